import { join } from 'node:path';
import { ensureDir } from '../../../shared/kit/atomic-file.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { Authority, AuthorityOptions, ServerCredential } from './authority.ts';
import {
  issueNodeCertificate,
  issueServer,
  keyHash,
  pinOf,
  readRequest,
  selfSignCa,
  type KeyAndCertificate,
} from './certificates.ts';
import { readCredential, toPem, writeCredential } from './credential-file.ts';

const DAY_MS = 24 * 60 * 60_000;
const CA_LIFETIME_MS = 20 * 365 * DAY_MS;
const SERVER_LIFETIME_MS = 90 * DAY_MS;
const NODE_LIFETIME_MS = 90 * DAY_MS;

/**
 * Opens the fleet's CA. The first start creates it. A missing or damaged CA of an existing fleet is an error, because no node would
 * trust a new CA.
 * @throws SLIP_CA_MISSING, SLIP_CA_DAMAGED, SLIP_CA_EXPIRED
 */
export async function openCa(options: AuthorityOptions): Promise<Authority> {
  await ensureDir(options.dir, 0o700);
  const ca = await openFleetCa(join(options.dir, 'fleet-ca.pem'), options);
  const { certificatePem: caPem } = await toPem(ca);
  const { clock } = options;
  const nodeLifetimeMs = options.nodeLifetimeMs ?? NODE_LIFETIME_MS;
  return {
    caPem,
    pin: pinOf(ca.certificate),
    serverCredential: () => currentServerCredential(ca, join(options.dir, 'server.pem'), options),
    nodeLifetimeMs,
    checkRequest: async (csrPem) => keyHash(await readRequest(csrPem)),
    issueNode: async ({ csrPem, nodeId, serial }) => {
      const csr = await readRequest(csrPem);
      const validity = { nowMs: clock.nowMs(), lifetimeMs: nodeLifetimeMs };
      const certificate = await issueNodeCertificate(ca, { csr, nodeId, serial }, validity);
      return { certificatePem: `${certificate.toString('pem')}\n`, notAfterMs: certificate.notAfter.getTime() };
    },
  };
}

async function openFleetCa(path: string, { mayCreate, clock }: AuthorityOptions): Promise<KeyAndCertificate> {
  const known = await readCredential(path).catch((cause: unknown) => {
    throw caDamaged(path, cause);
  });
  if (known !== undefined) {
    if (known.certificate.notAfter.getTime() <= clock.nowMs()) throw caExpired(path, known);
    return known;
  }
  if (!mayCreate) throw caMissing(path);
  const ca = await selfSignCa({ nowMs: clock.nowMs(), lifetimeMs: CA_LIFETIME_MS });
  await writeCredential(path, ca);
  return ca;
}

/** The controller can make a server certificate at any time, so a damaged file is replaced. */
async function currentServerCredential(
  ca: KeyAndCertificate,
  path: string,
  options: AuthorityOptions,
): Promise<ServerCredential> {
  const known = await readCredential(path).catch(() => undefined);
  if (known !== undefined && (await isGood(known, ca, options))) return await asServerCredential(known, ca);
  const validity = { nowMs: options.clock.nowMs(), lifetimeMs: options.serverLifetimeMs ?? SERVER_LIFETIME_MS };
  const fresh = await issueServer(ca, { names: options.serverNames, former: known }, validity);
  await writeCredential(path, fresh);
  return await asServerCredential(fresh, ca);
}

async function isGood(
  { certificate }: KeyAndCertificate,
  ca: KeyAndCertificate,
  options: AuthorityOptions,
): Promise<boolean> {
  if (needsRenewal(certificate.notBefore.getTime(), certificate.notAfter.getTime(), options.clock)) return false;
  if (sanNames(certificate) !== [...options.serverNames].sort().join()) return false;
  return await certificate.verify({ publicKey: ca.certificate.publicKey, signatureOnly: true });
}

/** True in the last third of its lifetime. */
export function needsRenewal(notBeforeMs: number, notAfterMs: number, clock: Clock): boolean {
  return notAfterMs - clock.nowMs() < (notAfterMs - notBeforeMs) / 3;
}

function sanNames(certificate: KeyAndCertificate['certificate']): string {
  const extension = certificate.getExtension('2.5.29.17');
  if (extension === null || !('names' in extension)) return '';
  const names = extension.names as { toJSON(): { value: string }[] };
  return names
    .toJSON()
    .map((name) => name.value)
    .sort()
    .join();
}

async function asServerCredential(credential: KeyAndCertificate, ca: KeyAndCertificate): Promise<ServerCredential> {
  const { keyPem, certificatePem } = await toPem(credential);
  const chainPem = `${certificatePem}${(await toPem(ca)).certificatePem}`;
  return { keyPem, certificatePem: chainPem, notAfterMs: credential.certificate.notAfter.getTime() };
}

const RESTORE =
  'Restore this file from your backup. Nodes trust only this authority. To give up the fleet and start again, remove the whole state folder.';

function caMissing(path: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CA_MISSING',
    message: `The fleet's certificate authority ${path} does not exist any more.`,
    hint: RESTORE,
  });
}

function caDamaged(path: string, cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CA_DAMAGED',
    message: `The fleet's certificate authority ${path} cannot be read or is damaged.`,
    hint: RESTORE,
    cause,
  });
}

function caExpired(path: string, { certificate }: KeyAndCertificate): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CA_EXPIRED',
    message: `The fleet's certificate authority ${path} expired on ${certificate.notAfter.toISOString()}.`,
    hint: 'Check the clock of this machine with: date. If it is right, the fleet needs a new state folder and its nodes must join again.',
  });
}
