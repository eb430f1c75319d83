import type { ProblemBody } from '../../shared/api/schema.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import { isLate } from '../certificates/orders/renewal-plan.ts';
import { endsSoon, type Certificate } from '../domain/certificates.ts';
import type { IssuedCertificate } from '../domain/issued.ts';
import type { CertificateOrder } from '../domain/orders.ts';

export interface StoredCertificates {
  /** Those that the nodes serve. */
  readonly certificates: readonly Certificate[];
  readonly orders: readonly CertificateOrder[];
  readonly revocations: readonly IssuedCertificate[];
}

/** Certificates of an app that end soon, whose key is not secret any more, or that are being revoked. Pure. */
export function storedCertificateProblems(
  app: string,
  { certificates, orders, revocations }: StoredCertificates,
  nowMs: number,
): readonly ProblemBody[] {
  const late = new Set(orders.filter((order) => isLate(order, nowMs)).map(({ id }) => id));
  const byId = new Map(orders.map((order) => [order.id, order]));
  return [
    ...certificates.flatMap((certificate) => exposedProblem(app, certificate)),
    ...revocations.flatMap((issued) => revocationProblem(app, issued, byId.get(issued.id))),
    ...certificates
      .filter((certificate) => !late.has(certificate.id) && endsSoon(certificate, nowMs))
      .map((certificate) => endProblem(app, certificate, nowMs)),
  ];
}

/** Revocations of certificates whose domain is gone, and that the CA refuses. Pure. */
export function orphanedRevocationProblems(
  revocations: readonly IssuedCertificate[],
  orders: readonly CertificateOrder[],
): readonly ProblemBody[] {
  const known = new Set(orders.map(({ id }) => id));
  return revocations.flatMap(({ id, problem }) =>
    known.has(id) || problem === undefined ? [] : [{ message: problem.message, next: 'slipway events' }],
  );
}

function exposedProblem(app: string, { names, exposed }: Certificate): readonly ProblemBody[] {
  if (exposed === undefined) return [];
  const message = `${app}: the uploaded certificate for ${named(names)} needs a successor with a new key. ${exposed}`;
  return [{ message, next: `slipway certs:add CRT KEY -a ${app}` }];
}

function revocationProblem(
  app: string,
  { hostname, fingerprint, state, cause = '', problem }: IssuedCertificate,
  order: CertificateOrder | undefined,
): readonly ProblemBody[] {
  const next = `slipway why ${hostname}`;
  if (problem !== undefined) return [{ message: `${app}: ${problem.message}`, next }];
  if (state === 'replacing')
    return [{ message: `${app}: the key of the certificate for ${hostname} is being replaced. ${cause}`.trim(), next }];
  if (order?.certificate?.fingerprint !== fingerprint) return [];
  return [{ message: `${app}: the certificate for ${hostname} is revoked, and has no successor yet.`, next }];
}

function endProblem(app: string, { names, notAfterMs }: Certificate, nowMs: number): ProblemBody {
  const [name = ''] = names;
  const leftMs = notAfterMs - nowMs;
  const when = leftMs <= 0 ? `ended on ${dayOf(notAfterMs)}` : `ends in ${formatDuration(leftMs)}`;
  return { message: `${app}: the certificate for ${named(names)} ${when}.`, next: `slipway why ${name}` };
}

function named([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first} and ${String(others.length)} more`;
}

function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
