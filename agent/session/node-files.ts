import { createPrivateKey, X509Certificate } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ensureDir, readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

/**
 * The files of a node's identity. `node.json` is written last: when it exists, the other files are complete. Key and certificate are one
 * file, so a renewal is one rename and a crash never leaves a key without its certificate.
 */
const CREDENTIAL_FILE = 'node.pem';
/** The key of a join that is not complete. A second attempt uses it again. */
const PENDING_KEY_FILE = 'join.key';
const PEM_BLOCK = /-----BEGIN ([A-Z ]+)-----[\s\S]+?-----END \1-----\n?/g;
const CA_FILE = 'ca.crt';
const NODE_FILE = 'node.json';

const identitySchema = z.object({
  version: z.literal(1),
  nodeId: z.string(),
  nodeName: z.string(),
  apiUrl: z.string(),
  grpcAddress: z.string(),
});

export interface NodeIdentity {
  readonly nodeId: string;
  readonly nodeName: string;
  /** `https://host:port` of the controller. */
  readonly apiUrl: string;
  /** `host:port` of the controller's agent port. */
  readonly grpcAddress: string;
}

/** PEM, as on disk now. */
export interface NodeTls {
  readonly key: string;
  readonly certificate: string;
  readonly ca: string;
}

/** `undefined` before the node has joined. @throws SLIP_NODE_FILES when the file is damaged */
export async function readIdentity(stateDir: string): Promise<NodeIdentity | undefined> {
  const text = await readFileIfExists(join(stateDir, NODE_FILE));
  if (text === undefined) return undefined;
  try {
    const { version: _, ...identity } = identitySchema.parse(JSON.parse(text));
    return identity;
  } catch (cause) {
    throw unreadable(join(stateDir, NODE_FILE), cause);
  }
}

/** Read at every connect, so that a renewed certificate is used. @throws SLIP_NODE_FILES */
export async function readNodeTls(stateDir: string): Promise<NodeTls> {
  return { ...(await readCredential(join(stateDir, CREDENTIAL_FILE))), ca: await certificate(join(stateDir, CA_FILE)) };
}

/** The last file completes the membership. */
export async function writeMembership(stateDir: string, member: { identity: NodeIdentity } & NodeTls): Promise<void> {
  await writeFileAtomic(join(stateDir, CA_FILE), member.ca);
  await writeCredential(stateDir, member);
  await writeFileAtomic(join(stateDir, NODE_FILE), `${JSON.stringify({ version: 1, ...member.identity }, null, 2)}\n`);
  await rm(join(stateDir, PENDING_KEY_FILE), { force: true });
}

/** Replaces key and certificate by one rename. */
export async function writeCredential(
  stateDir: string,
  { key, certificate }: Pick<NodeTls, 'key' | 'certificate'>,
): Promise<void> {
  await writeFileAtomic(credentialPath(stateDir), `${key}${certificate}`, 0o600);
}

/** The PEM file (0600) with key and certificate of the node, in the form that TLS servers read. */
export function credentialPath(stateDir: string): string {
  return join(stateDir, CREDENTIAL_FILE);
}

export function readPendingKey(stateDir: string): Promise<string | undefined> {
  return readFileIfExists(join(stateDir, PENDING_KEY_FILE));
}

export async function writePendingKey(stateDir: string, keyPem: string): Promise<void> {
  await ensureDir(stateDir, 0o700);
  await writeFileAtomic(join(stateDir, PENDING_KEY_FILE), keyPem, 0o600);
}

async function readCredential(path: string): Promise<Pick<NodeTls, 'key' | 'certificate'>> {
  const blocks = [...(await required(path)).matchAll(PEM_BLOCK)];
  const blocksOf = (kind: string): string => blocks.flatMap((block) => (block[1] === kind ? [block[0]] : [])).join('');
  const [key, pem] = [blocksOf('PRIVATE KEY'), blocksOf('CERTIFICATE')];
  try {
    if (new X509Certificate(pem).checkPrivateKey(createPrivateKey(key))) return { key, certificate: pem };
  } catch (cause) {
    throw unreadable(path, cause);
  }
  throw unreadable(path, undefined);
}

/** Throws for a missing or damaged file: without a CA, TLS would trust every server. */
async function certificate(path: string): Promise<string> {
  const pem = await required(path);
  try {
    new X509Certificate(pem);
    return pem;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function required(path: string): Promise<string> {
  const text = await readFileIfExists(path);
  if (text === undefined || text === '') throw unreadable(path, undefined);
  return text;
}

function unreadable(path: string, cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_NODE_FILES',
    message: `${path} is missing or damaged, so this node cannot prove who it is.`,
    hint: 'Restore the file, or give the node a new certificate: slipway nodes:rejoin NODE on your machine, then the command it prints here.',
    cause,
  });
}

export function notJoined(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_NODE_NOT_JOINED',
    message: 'This machine has not joined a fleet yet.',
    hint: 'Get a token with: slipway nodes:token — then run: node agent/main.ts join --help',
  });
}
