import {
  CERTIFICATE_NAMES_LENGTH_MAX,
  CERTIFICATE_NAMES_MAX,
  type FleetCertificate,
} from '../../shared/domain/fleet-routes.ts';
import { CERTIFICATES_BYTES_MAX, certificateBytes } from '../../shared/domain/fleet-routes-size.ts';
import type { AppId, CertificateId } from '../../shared/domain/ids.ts';
import type { Certificate } from '../domain/certificates.ts';

// Which certificate serves which host name. Pure.

/** The host names of an app, its default name included. */
export interface NamedApp {
  readonly appId: AppId;
  readonly hostnames: readonly string[];
}

/** By host name. */
type Choices = ReadonlyMap<string, Certificate>;

/**
 * A certificate of an app serves only names of this app, so that nobody answers for a domain of another user. Before others come, in this
 * order: one that is valid now, an uploaded one, one with the exact name, one that ends later.
 */
export function chooseCertificates(
  certificates: readonly Certificate[],
  apps: readonly NamedApp[],
  nowMs: number,
): Choices {
  const byApp = Map.groupBy(certificates, ({ appId }) => appId);
  const ofFleet = byApp.get(undefined) ?? [];
  const choices = new Map<string, Certificate>();
  for (const { appId, hostnames } of apps) {
    const own = [...(byApp.get(appId) ?? []), ...ofFleet];
    if (own.length === 0) continue;
    const byName = groupByName(own);
    for (const hostname of hostnames) {
      const fitting = [hostname, ...wildcardsOf(hostname)].flatMap((name) => byName.get(name) ?? []);
      const [best] = fitting.sort(better(hostname, nowMs));
      if (best !== undefined) choices.set(hostname, best);
    }
  }
  return choices;
}

function groupByName(certificates: readonly Certificate[]): ReadonlyMap<string, readonly Certificate[]> {
  const byName = new Map<string, Certificate[]>();
  for (const certificate of certificates) {
    for (const name of certificate.names) {
      const same = byName.get(name);
      if (same === undefined) byName.set(name, [certificate]);
      else same.push(certificate);
    }
  }
  return byName;
}

/** True when a certificate with these names is good for the host name. A wildcard is one label. */
export function covers(names: readonly string[], hostname: string): boolean {
  return [hostname, ...wildcardsOf(hostname)].some((name) => names.includes(name));
}

/** The wildcard that covers the name, if one can. */
function wildcardsOf(hostname: string): readonly string[] {
  const dot = hostname.indexOf('.');
  return hostname.startsWith('*.') || dot < 1 ? [] : [`*${hostname.slice(dot)}`];
}

function isValidAt({ notBeforeMs, notAfterMs }: Certificate, nowMs: number): boolean {
  return notBeforeMs <= nowMs && nowMs < notAfterMs;
}

/** The part of the route table, by id. The newest certificates are left out when there is no room. */
export function fleetCertificates(choices: Choices): readonly FleetCertificate[] {
  const byId = Map.groupBy(choices.entries(), ([, { id }]) => id);
  const rows = [...byId.values()].flatMap((entries) => {
    const [certificate] = entries.map(([, one]) => one);
    if (certificate === undefined) return [];
    const { id, fingerprint, createdAtMs } = certificate;
    return [{ row: { id, fingerprint, names: limitNames(entries.map(([name]) => name).sort()) }, createdAtMs }];
  });
  let freeBytes = CERTIFICATES_BYTES_MAX;
  return rows
    .sort((a, b) => a.createdAtMs - b.createdAtMs || compareIds(a.row.id, b.row.id))
    .filter(({ row }) => (freeBytes -= certificateBytes(row)) >= 0)
    .map(({ row }) => row)
    .sort((a, b) => compareIds(a.id, b.id));
}

/** Agents refuse the whole table when a certificate has more names. */
function limitNames(names: readonly string[]): readonly string[] {
  const some = names.slice(0, CERTIFICATE_NAMES_MAX);
  let length = 0;
  const end = some.findIndex((name) => {
    length += name.length + 1;
    return length > CERTIFICATE_NAMES_LENGTH_MAX;
  });
  return end === -1 ? some : some.slice(0, end);
}

/** When the choices can differ next, because a certificate begins or ends. Undefined: never. */
export function nextChangeMs(certificates: readonly Certificate[], nowMs: number): number | undefined {
  const times = certificates.flatMap(({ notBeforeMs, notAfterMs }) => [notBeforeMs, notAfterMs]);
  const later = times.filter((atMs) => atMs > nowMs);
  return later.length === 0 ? undefined : Math.min(...later);
}

function better(hostname: string, nowMs: number): (a: Certificate, b: Certificate) => number {
  const rank = (one: Certificate): number =>
    (isValidAt(one, nowMs) ? 4 : 0) + (one.kind === 'uploaded' ? 2 : 0) + (one.names.includes(hostname) ? 1 : 0);
  return (a, b) => rank(b) - rank(a) || b.notAfterMs - a.notAfterMs || compareIds(a.id, b.id);
}

function compareIds(a: CertificateId, b: CertificateId): number {
  return a < b ? -1 : Number(a > b);
}
