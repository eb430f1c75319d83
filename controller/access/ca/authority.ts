import type { NodeId } from '../../../shared/domain/ids.ts';
import type { Clock } from '../../../shared/kit/clock.ts';

export interface AuthorityOptions {
  /** Folder of the CA's files. It is created (mode 0700) when absent. */
  readonly dir: string;
  /** True only for the first start (no user and no node yet): then a missing CA is created. Otherwise a missing CA is an error. */
  readonly mayCreate: boolean;
  /** DNS names and addresses of the controller, for the certificate (SAN). */
  readonly serverNames: readonly string[];
  readonly serverLifetimeMs?: number | undefined;
  readonly nodeLifetimeMs?: number | undefined;
  readonly clock: Clock;
}

/** Key and certificate of the HTTPS and gRPC servers of the controller, PEM. */
export interface ServerCredential {
  readonly keyPem: string;
  /** The CA's certificate follows, so that a client that has only its pin can check it in the handshake. */
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
  /** `sha256:` and the hex SHA-256 of the CA's public key (SPKI). A joining node trusts the controller by this pin. */
  readonly pin: string;
  /** The present credential. It is renewed, with the same key, in the last third of its lifetime. Ask at least once a day. */
  serverCredential(): Promise<ServerCredential>;
  /**
   * @returns the hex SHA-256 of its public key. The same machine always uses the same key
   * @throws SLIP_CSR_INVALID when it cannot be read or is not signed by its own key
   */
  checkRequest(csrPem: string): Promise<string>;
  /** Lifetime of a node's certificate. */
  readonly nodeLifetimeMs: number;
  /**
   * Certificate for the key of a CSR. Its subject and extensions are ignored, because the controller decides the identity.
   * @throws SLIP_CSR_INVALID
   */
  issueNode(node: { csrPem: string; nodeId: NodeId; serial: string }): Promise<NodeCertificate>;
}
