import type { Sensitive } from '../../shared/kit/sensitive.ts';

/** How this fleet gets certificates. */
export interface TlsSettings {
  readonly directoryUrl: string;
  /** Mail addresses that the CA may write to. */
  readonly contacts: readonly string[];
  /** A kind of certificate that the CA offers. Undefined: its default. */
  readonly profile: string | undefined;
  /** PEM of the only CA that the server of the certificate authority may be from. Undefined: those of the machine. */
  readonly trustedCaPem: string | undefined;
  /** The operator agreed to the terms of the CA. Without this, nothing is ordered. */
  readonly termsAgreed: boolean;
  /** The binding to an account that the operator has at the CA. */
  readonly externalAccount: { readonly keyId: string; readonly hmacKey: Sensitive } | undefined;
}

export const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';

export const DEFAULT_TLS_SETTINGS: TlsSettings = {
  directoryUrl: LETS_ENCRYPT,
  contacts: [],
  profile: undefined,
  trustedCaPem: undefined,
  termsAgreed: false,
  externalAccount: undefined,
};

/** CAs of the internet. They ask only public addresses. */
const PUBLIC_CAS = ['letsencrypt.org', 'zerossl.com', 'pki.goog', 'buypass.com', 'ssl.com', 'actalis.com'];

export function isPublicCa(directoryUrl: string): boolean {
  const { hostname } = new URL(directoryUrl);
  return PUBLIC_CAS.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`));
}
