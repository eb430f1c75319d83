/** The header Strict-Transport-Security (RFC 6797) of an app. */
export interface Hsts {
  /** How long browsers use only HTTPS after an answer. 0: they forget it. */
  readonly maxAgeS: number;
  readonly includeSubdomains: boolean;
  /** The owner may ask to be in the lists that browsers are shipped with. */
  readonly preload: boolean;
}

/** Two years, as the lists of browsers ask for. */
export const HSTS_MAX_S = 63_072_000;

/** The lists of browsers take no shorter time. */
export const PRELOAD_MIN_S = 31_536_000;

export function hstsHeader({ maxAgeS, includeSubdomains, preload }: Hsts): string {
  const words = [`max-age=${String(maxAgeS)}`, ...(includeSubdomains ? ['includeSubDomains'] : [])];
  return [...words, ...(preload ? ['preload'] : [])].join('; ');
}
