/** A certificate of the fleet whose file is on this node. */
export interface EdgeCertificate {
  /** It stays the same over renewals. */
  readonly id: string;
  /** SHA-256 of the leaf in DER, in lower-case hex. */
  readonly fingerprint: string;
  /** Sorted, in lower case. `*.example.com` stands for one label. */
  readonly names: readonly string[];
  /** Leaf, intermediates and key as PEM. */
  readonly pemFile: string;
}

/** Downloads certificates from the controller, with the certificate of the node. */
export interface CertificateTransport {
  /** @returns leaf, intermediates and key as PEM @throws SLIP_CERT_FETCH, transient errors */
  certificate(wanted: { readonly id: string; readonly fingerprint: string }, signal: AbortSignal): Promise<string>;
}
