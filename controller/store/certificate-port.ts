import type { AppId, CertificateId } from '../../shared/domain/ids.ts';
import type { Certificate, CertificateFiles, NewCertificate } from '../domain/certificates.ts';

/** Part of the store: certificates for the clients of apps. Their keys are encrypted with the key of the config values. */
export interface CertificateStore {
  /** Adds the certificate, or replaces the one with its id. @throws SLIP_QUOTA, SLIP_CERT_TABLE */
  saveCertificate(certificate: NewCertificate): Promise<Certificate>;
  /** All, or only those of this app; by id. */
  certificates(only?: AppId): Promise<readonly Certificate[]>;
  certificate(id: CertificateId): Promise<Certificate | undefined>;
  /** Undefined: there is no such certificate. @throws SLIP_CONFIG_DECRYPT */
  certificateFiles(id: CertificateId): Promise<CertificateFiles | undefined>;
  /** False when there is none. */
  removeCertificate(id: CertificateId): Promise<boolean>;
  /** Every connected node serves these certificates. One that was marked before keeps its time. */
  markServed(ids: readonly CertificateId[]): Promise<void>;
  /** Removes the ordered certificates whose order is gone, for example because their domain was removed. @returns how many */
  removeUnordered(): Promise<number>;
}
