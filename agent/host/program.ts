import { join } from 'node:path';
import { z } from 'zod';
import { readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { VERSION } from '../../shared/kit/version.ts';

const schema = z.object({ version: z.string(), build: z.string() });

/** `0.1.0+c3e11cb00a2f` of an installed agent, whose folder is called so; `0.1.0` of a checkout. */
export async function ownVersion(productDir: string): Promise<string> {
  const text = await readFileIfExists(join(productDir, 'program.json'));
  if (text === undefined) return VERSION;
  const { version, build } = schema.parse(JSON.parse(text));
  return `${version}+${build}`;
}

/** Tells install.sh and switch-version.sh that this version works: the controller has welcomed it. */
export async function markConnected(stateDir: string, version: string): Promise<void> {
  await writeFileAtomic(join(stateDir, 'connected'), `${version}\n`, 0o644);
}
