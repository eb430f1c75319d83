/** A CAA record (RFC 8659, 4). */
export interface CaaRecord {
  readonly critical: boolean;
  readonly tag: string;
  readonly value: string;
}

/** What a certificate authority would issue. */
export interface CaaQuestion {
  readonly isWildcard: boolean;
  /** The names of the certificate authority in CAA records. */
  readonly identities: readonly string[];
  /** The URL of our account (RFC 8657, 3). */
  readonly accountUrl: string;
  /** How the name is validated (RFC 8657, 4), for example `http-01`. */
  readonly method: string;
}

/** Why records forbid a certificate. */
export interface CaaRefusal {
  /** What the records allow, for people. */
  readonly allowed: string;
  readonly tag: 'issue' | 'issuewild' | 'unknown';
}

const KNOWN_TAGS: ReadonlySet<string> = new Set(['issue', 'issuewild', 'iodef', 'contactemail', 'contactphone']);

/**
 * Decides about the records of the nearest name up the tree that has some (RFC 8659, 3).
 * @returns undefined: they allow it
 */
export function refuseByCaa(records: readonly CaaRecord[], question: CaaQuestion): CaaRefusal | undefined {
  const strange = records.find(({ critical, tag }) => critical && !KNOWN_TAGS.has(tag.toLowerCase()));
  if (strange !== undefined) return { allowed: `the unknown property ${strange.tag}`, tag: 'unknown' };
  const values = (tag: string): readonly string[] =>
    records.filter((record) => record.tag.toLowerCase() === tag).map(({ value }) => value);
  const wild = question.isWildcard ? values('issuewild') : [];
  const tag = wild.length > 0 ? 'issuewild' : 'issue';
  const relevant = wild.length > 0 ? wild : values('issue');
  if (relevant.length === 0 || relevant.some((value) => allows(value, question))) return undefined;
  const names = relevant.map((value) => value.trim()).filter((value) => value !== '' && !value.startsWith(';'));
  return { allowed: names.length === 0 ? 'no certificate authority' : `only ${names.join(', ')}`, tag };
}

/** A value is the name of a CA, then parameters, separated by semicolons. An empty name allows nobody. */
function allows(value: string, { identities, accountUrl, method }: CaaQuestion): boolean {
  const [issuer = '', ...parameters] = value.split(';').map((part) => part.trim());
  if (!identities.some((identity) => identity.toLowerCase() === issuer.toLowerCase())) return false;
  return parameters.every((parameter) => {
    const at = parameter.indexOf('=');
    const [name, wanted] = [parameter.slice(0, at).trim().toLowerCase(), parameter.slice(at + 1).trim()];
    if (name === 'accounturi') return wanted === accountUrl;
    if (name === 'validationmethods') return wanted.split(',').some((each) => each.trim() === method);
    return true;
  });
}
