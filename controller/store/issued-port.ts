import type { NodeId } from '../../shared/domain/ids.ts';
import type { IssuedCertificate, RevocationRequest } from '../domain/issued.ts';

/** Part of the store: the certificates of CAs until they end, who held their keys, and how far their revocation is. */
export interface IssuedStore {
  /** Call it before a node gets the key of the certificate. */
  addHolder(nodeId: NodeId, fingerprint: string): Promise<void>;
  /** Every certificate that is being revoked or was revoked, and has not ended. By host name. */
  revocations(): Promise<readonly IssuedCertificate[]>;
  /**
   * The certificate must be revoked. A second request changes the cause, but a compromised key stays one.
   * @returns undefined: no CA gave this certificate
   */
  requestRevocation(request: RevocationRequest): Promise<IssuedCertificate | undefined>;
  /** The revocations whose next step is due, some of them at most, and when the next of the others is due. */
  dueRevocations(nowMs: number): Promise<{
    readonly due: readonly IssuedCertificate[];
    readonly nextMs: number | undefined;
  }>;
  /** @returns false when the certificate is not in the state `from` any more. Then nothing is written */
  moveIssued(from: IssuedCertificate, to: IssuedCertificate): Promise<boolean>;
  /** The revocation of certificates of this name is looked at now. */
  hurryRevocations(hostname: string): Promise<void>;
  /** PEM: the certificate, then its chain. */
  issuedChain(fingerprint: string): Promise<string | undefined>;
  /** Why a key must not be used any more: a node that was revoked or removed held it. @param hash see `publicKeyHash` */
  exposedKey(hash: string): Promise<string | undefined>;
}
