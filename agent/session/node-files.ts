import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

/** Where a node keeps who it is. `node.json` is written last: with it, the rest is complete. */
export const KEY_FILE = 'node.key';
const CERTIFICATE_FILE = 'node.crt';
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

/** Read anew at every connect, so that a renewed certificate is used. @throws SLIP_NODE_FILES */
export async function readNodeTls(stateDir: string): Promise<NodeTls> {
  return {
    key: await required(join(stateDir, KEY_FILE)),
    certificate: await certificate(join(stateDir, CERTIFICATE_FILE)),
    ca: await certificate(join(stateDir, CA_FILE)),
  };
}

/** The key is there already (0600). */
export async function writeMembership(stateDir: string, of: { identity: NodeIdentity; certificate: string; ca: string }): Promise<void> {
  await writeFileAtomic(join(stateDir, CA_FILE), of.ca);
  await writeFileAtomic(join(stateDir, CERTIFICATE_FILE), of.certificate);
  await writeFileAtomic(join(stateDir, NODE_FILE), `${JSON.stringify({ version: 1, ...of.identity }, null, 2)}\n`);
}

export function certificatePath(stateDir: string): string {
  return join(stateDir, CERTIFICATE_FILE);
}

/** A missing or broken CA file must never mean "trust anybody". */
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
    hint: 'Restore the file, or join again with a new token: slipway nodes:token on your machine, then the command it prints here.',
    cause,
  });
}
