import type { CertificateId } from '../../../shared/domain/ids.ts';
import { quoteInput } from '../../../shared/domain/names.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { publicKeyHash } from '../../../shared/kit/certificate-pair.ts';
import { randomId } from '../../../shared/kit/random-id.ts';
import { chooseCertificates, covers } from '../../certificates/choose.ts';
import { parseUpload, type UploadedFiles } from '../../certificates/parse-upload.ts';
import * as refuse from '../../certificates/upload-errors.ts';
import type { ServedCertificate } from '../../dispatch/port.ts';
import type { App } from '../../domain/apps.ts';
import type { Certificate } from '../../domain/certificates.ts';
import type { IssuedCertificate } from '../../domain/issued.ts';
import type { User } from '../../domain/users.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { ApiDeps } from '../deps.ts';

type Deps = Pick<ApiDeps, 'store' | 'fleet' | 'clock' | 'log'>;

/** A certificate, the names of the app that it serves, and the nodes that answer HTTPS. */
export interface CertificateState {
  readonly certificate: Certificate;
  readonly serves: readonly string[];
  readonly served: ServedCertificate | undefined;
  /** Undefined: no revocation was requested. */
  readonly revocation: IssuedCertificate | undefined;
}

interface Scope {
  readonly app: App;
  readonly baseDomain: string;
}

/** How long an upload waits for the nodes. */
const SERVED_TIMEOUT_MS = 15_000;

export async function listCertificates(deps: Deps, scope: Scope): Promise<readonly CertificateState[]> {
  const { app } = scope;
  const hostnames = await hostnamesOf(deps, scope);
  const all = await deps.store.certificates();
  const choices = chooseCertificates(all, [{ appId: app.id, hostnames }], deps.clock.nowMs());
  const revocations = new Map((await deps.store.revocations()).map((one) => [one.fingerprint, one]));
  return all.flatMap((certificate) => {
    const serves = hostnames.filter((name) => choices.get(name)?.id === certificate.id);
    if (certificate.appId !== app.id && serves.length === 0) return [];
    const served = serves.length === 0 ? undefined : deps.fleet.servedBy(certificate.id);
    return [{ certificate, serves, served, revocation: revocations.get(certificate.fingerprint) }];
  });
}

/** @param text an id, or a name in the certificate; an uploaded one comes first @throws SLIP_CERT_NOT_FOUND */
export async function findCertificate(deps: Deps, scope: Scope, text: string): Promise<CertificateState> {
  const all = await listCertificates(deps, scope);
  const named = all.filter(({ certificate }) => certificate.names.includes(text.toLowerCase()));
  const found =
    all.find(({ certificate }) => certificate.id === text) ??
    named.find(({ certificate }) => certificate.kind === 'uploaded') ??
    named[0];
  if (found === undefined) throw certificateNotFound(scope.app, text);
  return found;
}

/** @throws SLIP_CERT_*, SLIP_QUOTA. Nothing is stored then. */
export async function addCertificate(
  deps: Deps,
  { user, files, signal, ...scope }: Scope & { user: User; files: UploadedFiles; signal: AbortSignal },
): Promise<CertificateState & { readonly replaced: boolean; readonly warnings: readonly string[] }> {
  const { app } = scope;
  const { warnings, ...parsed } = parseUpload(files, deps.clock.nowMs());
  const exposed = await deps.store.exposedKey(publicKeyHash(parsed.chainPem) ?? '');
  if (exposed !== undefined) throw refuse.keyExposed(exposed);
  const hostnames = await hostnamesOf(deps, scope);
  if (!hostnames.some((name) => covers(parsed.names, name))) throw refuse.ofOtherNames(app.name, parsed.names);
  const former = (await deps.store.certificates(app.id)).find(
    ({ kind, names }) => kind === 'uploaded' && JSON.stringify(names) === JSON.stringify(parsed.names),
  );
  const id = former?.id ?? (randomId() as CertificateId);
  const { notAfterMs, names } = await deps.store.saveCertificate({ ...parsed, id, kind: 'uploaded', appId: app.id });
  noteEvent(deps, {
    kind: 'certificate.added',
    actor: user.name,
    app: app.name,
    message: `${user.name} ${former === undefined ? 'added' : 'replaced'} the certificate of ${app.name} for ${named(names)}. It ends on ${dayOf(notAfterMs)}.`,
    next: `slipway certs -a ${app.name}`,
  });
  await deps.fleet.certificatesChanged();
  await untilServed(deps, id, signal);
  return { ...(await findCertificate(deps, scope, id)), replaced: former !== undefined, warnings };
}

/** @throws SLIP_CERT_NOT_FOUND, SLIP_CERT_ORDERED */
export async function removeCertificate(
  deps: Deps,
  { user, text, ...scope }: Scope & { readonly user: User; readonly text: string },
): Promise<Certificate> {
  const { certificate } = await findCertificate(deps, scope, text);
  const { app } = scope;
  if (certificate.kind !== 'uploaded' || certificate.appId !== app.id) throw certificateOrdered(app);
  await deps.store.removeCertificate(certificate.id);
  noteEvent(deps, {
    kind: 'certificate.removed',
    actor: user.name,
    app: app.name,
    message: `${user.name} removed the certificate of ${app.name} for ${named(certificate.names)}.`,
    next: `slipway certs -a ${app.name}`,
  });
  await deps.fleet.certificatesChanged();
  return certificate;
}

async function hostnamesOf({ store }: Deps, { app, baseDomain }: Scope): Promise<readonly string[]> {
  return [`${app.name}.${baseDomain}`, ...(await store.domainsOf(app.id)).map(({ hostname }) => hostname)];
}

/** Returns when each connected node serves it or says why not, and after some seconds at the latest. */
async function untilServed({ fleet, clock }: Deps, id: CertificateId, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const isDecided = (): boolean =>
    (fleet.servedBy(id)?.nodes ?? []).every(({ connected, state }) => !connected || state !== 'waiting');
  const stop = fleet.onChange(() => {
    if (isDecided()) over.abort();
  });
  if (!isDecided()) await clock.sleep(SERVED_TIMEOUT_MS, AbortSignal.any([over.signal, signal])).catch(() => undefined);
  stop();
}

function named(names: readonly string[]): string {
  const [first = '', ...others] = names;
  return others.length === 0 ? first : `${first} and ${String(others.length)} more`;
}

function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

function certificateNotFound(app: App, text: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CERT_NOT_FOUND',
    httpStatus: 404,
    message: `${app.name} has no certificate ${quoteInput(text)}.`,
    hint: `See them with: slipway certs -a ${app.name}`,
  });
}

function certificateOrdered(app: App): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CERT_ORDERED',
    kind: 'conflict',
    message: `The controller orders and renews this certificate for the domains of ${app.name}, so it cannot be removed by hand.`,
    hint: `End all of them with: slipway certs:auto disable -a ${app.name}. One ends when its domain is removed: slipway domains:remove HOSTNAME -a ${app.name}`,
  });
}
