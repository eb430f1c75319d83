import { join } from 'node:path';
import { z } from 'zod';
import { readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { VERSION } from '../../shared/kit/version.ts';

const schema = z.object({ version: z.string(), build: z.string() });

/** `0.1.0+c3e11cb00a2f` for an installed agent; `0.1.0` for a checkout. */
export async function ownVersion(productDir: string): Promise<string> {
  const text = await readFileIfExists(join(productDir, 'program.json'));
  if (text === undefined) return VERSION;
  const { version, build } = schema.parse(JSON.parse(text));
  return `${version}+${build}`;
}

/** Tells install.sh and switch-version.sh that this version works: it has connected to the controller. */
export async function markConnected(stateDir: string, version: string): Promise<void> {
  await writeFileAtomic(join(stateDir, 'connected'), `${version}\n`, 0o644);
}
