import type { NodeId } from '../../../shared/domain/ids.ts';
import type { Clock } from '../../../shared/kit/clock.ts';

export interface AuthorityOptions {
  /** Folder of the CA's files; made (0700) when absent. */
  readonly dir: string;
  /** True on a first start only (no user, no node yet): then a missing CA is made. Else a missing one is an error. */
  readonly mayCreate: boolean;
  /** DNS names and addresses under which agents and people reach the controller; become SANs. */
  readonly serverNames: readonly string[];
  readonly serverLifetimeMs?: number | undefined;
  readonly nodeLifetimeMs?: number | undefined;
  readonly clock: Clock;
}

/** Key and certificate of the controller's HTTPS and gRPC doors, PEM. */
export interface ServerCredential {
  readonly keyPem: string;
  /** Followed by the CA's, so that who has only its pin can find and check it in the handshake. */
  readonly certificatePem: string;
  readonly notAfterMs: number;
}

export interface NodeCertificate {
  readonly certificatePem: string;
  readonly notAfterMs: number;
}

/** The fleet's own certificate authority. */
export interface Authority {
  readonly caPem: string;
  /** `sha256:` and the hex SHA-256 of the CA's public key (SPKI): what a joining node is given to trust us by. */
  readonly pin: string;
  /** The present one; renewed, for the same key, when a third of its life is left. Ask again at least daily. */
  serverCredential(): Promise<ServerCredential>;
  /**
   * @returns the SHA-256 of its public key, hex: the same machine asks with the same key
   * @throws SLIP_CSR_INVALID when it cannot be read or its signature is not by its own key
   */
  checkRequest(csrPem: string): Promise<string>;
  /** How long a node's certificate is good for. */
  readonly nodeLifetimeMs: number;
  /**
   * Certificate for the key of a CSR, whose subject and extensions are ignored: identity is what we say.
   * @throws SLIP_CSR_INVALID
   */
  issueNode(node: { csrPem: string; nodeId: NodeId; serial: string }): Promise<NodeCertificate>;
}
