import { createHmac } from 'node:crypto';
import { registeredDomain } from '../certificates/orders/registered-domain.ts';

/** The records that show that a user controls a domain. One is enough. */
export interface ProofRecords {
  readonly txt: { readonly name: string; readonly value: string };
  /** The domain itself as an alias. Absent for a wildcard, and if the base domain of the fleet is only on this machine. */
  readonly cname?: { readonly name: string; readonly value: string } | undefined;
}

export interface ProofScope {
  /** The key of the fleet. */
  readonly key: string;
  readonly userId: string;
  readonly baseDomain: string;
}

const TXT_LABEL = '_slipway';
const TXT_PREFIX = 'slipway-proof=';
/** 128 bits. */
const TOKEN_LETTERS = 32;
/** Names that are looked up for one domain. */
const NAMES_MAX = 8;

/** The records for exactly this domain. A wildcard is proved with the name below which it is. */
export function proofRecords(scope: ProofScope, hostname: string): ProofRecords {
  const bare = hostname.replace(/^\*\./, '');
  const txt = { name: `${TXT_LABEL}.${bare}`, value: txtValue(scope, bare) };
  return hostname === bare && scope.baseDomain.includes('.')
    ? { txt, cname: { name: bare, value: cnameTarget(scope) } }
    : { txt };
}

/** The TXT records of which one is enough: of the name itself, and of each name above it that the same person registered. The nearest is first. */
export function txtRecords(scope: ProofScope, hostname: string): readonly ProofRecords['txt'][] {
  const labels = hostname.replace(/^\*\./, '').split('.');
  const registered = registeredDomain(labels.join('.'))?.split('.').length ?? labels.length;
  const names = labels.slice(0, labels.length - registered + 1).map((_, at) => labels.slice(at).join('.'));
  return names.slice(0, NAMES_MAX).map((name) => ({ name: `${TXT_LABEL}.${name}`, value: txtValue(scope, name) }));
}

/** For this user and this name, so a record that somebody copies to another name or fleet proves nothing. */
function txtValue(scope: ProofScope, name: string): string {
  return `${TXT_PREFIX}${token(scope, 'txt', name)}`;
}

/** One target for all domains of a user. It is longer than the name of an app can be. */
function cnameTarget(scope: ProofScope): string {
  return `domains-${token(scope, 'cname', '')}.${scope.baseDomain}`;
}

function token({ key, userId }: ProofScope, kind: string, name: string): string {
  const text = JSON.stringify([`slipway domain ${kind}`, userId, name]);
  return createHmac('sha256', Buffer.from(key, 'hex')).update(text).digest('hex').slice(0, TOKEN_LETTERS);
}
