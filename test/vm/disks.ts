import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, runOk } from '../../shared/kit/exec.ts';

/** A disk that is a tar of these files: the guest reads it with `tar -xf /dev/…`. */
export async function packSeed(dir: string, files: Readonly<Record<string, string>>): Promise<string> {
  const disk = join(dir, 'seed.tar');
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text, { mode: 0o600 });
  await runOk(run, { file: 'tar', args: ['-cf', disk, '--owner=0', '--group=0', '-C', dir, ...Object.keys(files)] });
  for (const name of Object.keys(files)) await rm(join(dir, name));
  return disk;
}
