import type { FleetCertificate } from '../../shared/domain/fleet-routes.ts';
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
  const choices = new Map<string, Certificate>();
  for (const { appId, hostnames } of apps) {
    const own = [...(byApp.get(appId) ?? []), ...(byApp.get(undefined) ?? [])];
    if (own.length === 0) continue;
    for (const hostname of hostnames) {
      const [best] = own.filter(({ names }) => covers(names, hostname)).sort(better(hostname, nowMs));
      if (best !== undefined) choices.set(hostname, best);
    }
  }
  return choices;
}

/** True when a certificate with these names is good for the host name. A wildcard is one label. */
export function covers(names: readonly string[], hostname: string): boolean {
  if (names.includes(hostname)) return true;
  const dot = hostname.indexOf('.');
  return !hostname.startsWith('*.') && dot > 0 && names.includes(`*${hostname.slice(dot)}`);
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
    return [{ row: { id, fingerprint, names: entries.map(([name]) => name).sort() }, createdAtMs }];
  });
  let freeBytes = CERTIFICATES_BYTES_MAX;
  return rows
    .sort((a, b) => a.createdAtMs - b.createdAtMs || compareIds(a.row.id, b.row.id))
    .filter(({ row }) => (freeBytes -= certificateBytes(row)) >= 0)
    .map(({ row }) => row)
    .sort((a, b) => compareIds(a.id, b.id));
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
