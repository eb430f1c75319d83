import { CERTIFICATE_NAMES_LENGTH_MAX, CERTIFICATE_NAMES_MAX } from '../../../shared/domain/fleet-routes.ts';
import { compare } from './compare.ts';
import type { SlotTable, TableCertificate } from './slot-table.ts';

// For which names a certificate is used. Pure.

interface ListedNames {
  readonly names: readonly string[];
  /** Below a wildcard of the names, but of another app or with another certificate. */
  readonly exceptions: readonly string[];
}

/**
 * The names of each certificate. A wildcard excludes the names below it that have another certificate, or that belong to another app, because
 * nobody may answer for a name of another user. HAProxy would even prefer a wildcard with an ECDSA key to the exact name with an RSA key.
 * When the exceptions do not fit in the line, the certificate is not used for its wildcards.
 */
export function listedNames({
  certificates,
  pools,
}: Pick<SlotTable, 'certificates' | 'pools'>): readonly ListedNames[] {
  if (!certificates.some(({ names }) => names.some(isWildcard))) return certificates.map(({ names }) => only(names));
  const known = new Set([
    ...pools.flatMap(({ hostnames }) => hostnames),
    ...certificates.flatMap(({ names }) => names),
  ]);
  const byWildcard = Map.groupBy([...known].sort(compare), wildcardOf);
  return certificates.map((certificate) => withExceptions(certificate, byWildcard));
}

function withExceptions({ names }: TableCertificate, byWildcard: ReadonlyMap<string, readonly string[]>): ListedNames {
  const own = new Set(names);
  const below = names.filter(isWildcard).flatMap((wildcard) => byWildcard.get(wildcard) ?? []);
  const exceptions = below.filter((name) => !own.has(name));
  const length = [...names, ...exceptions].reduce((sum, name) => sum + name.length + 2, 0);
  const fits = exceptions.length <= CERTIFICATE_NAMES_MAX && length <= CERTIFICATE_NAMES_LENGTH_MAX;
  return exceptions.length === 0 || fits ? { names, exceptions } : only(names.filter((name) => !isWildcard(name)));
}

function only(names: readonly string[]): ListedNames {
  return { names, exceptions: [] };
}

function isWildcard(name: string): boolean {
  return name.startsWith('*.');
}

/** The wildcard above a name. Empty for a wildcard. */
export function wildcardOf(name: string): string {
  return isWildcard(name) ? '' : name.replace(/^[^.]+/, '*');
}
