import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { run, runOk } from '../../shared/kit/exec.ts';
import { PRODUCT_DIR } from '../support/fleet.ts';

const lockSchema = z.object({ packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })) });

/** A tar with the working tree, its npm packages of run time and the Node that runs this. */
export async function packProductTar(dir: string): Promise<string> {
  const tar = join(dir, 'product.tar');
  const list = join(dir, 'packages');
  const lock = lockSchema.parse(JSON.parse(await readFile(join(PRODUCT_DIR, 'package-lock.json'), 'utf8')));
  const wanted = Object.entries(lock.packages).filter(([path, entry]) => path.startsWith('node_modules/') && entry.dev !== true);
  await writeFile(list, wanted.map(([path]) => `${path}\0`).join(''));
  const node = dirname(dirname(process.execPath));
  const pack = join(import.meta.dirname, 'pack-product.sh');
  await runOk(run, { file: '/bin/sh', args: [pack, PRODUCT_DIR, node, list, tar], timeoutMs: 120_000 });
  return tar;
}

/** The same as a squashfs. Not compressed: it is read once. */
export async function packProduct(dir: string): Promise<string> {
  const disk = join(dir, 'product.sqfs');
  const tar = await packProductTar(dir);
  const fromTar = 'exec mksquashfs - "$2" -tar -noI -noD -noF -noX -quiet -no-progress <"$1"';
  await runOk(run, { file: '/bin/sh', args: ['-c', fromTar, 'sh', tar, disk], timeoutMs: 120_000 });
  await rm(tar);
  return disk;
}

/** A disk that is a tar of these files: the guest reads it with `tar -xf /dev/…`. */
export async function packSeed(dir: string, files: Readonly<Record<string, string>>): Promise<string> {
  const disk = join(dir, 'seed.tar');
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text, { mode: 0o600 });
  await runOk(run, { file: 'tar', args: ['-cf', disk, '--owner=0', '--group=0', '-C', dir, ...Object.keys(files)] });
  for (const name of Object.keys(files)) await rm(join(dir, name));
  return disk;
}
