import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run, runOk } from '../../../shared/kit/exec.ts';
import { PRODUCT_DIR } from '../fleet.ts';

const SUITE = 'bookworm';
const SOURCES = '/etc/apt/sources.list.d/debian.sources';
const MAKE_LIMIT_MS = 300_000;

/**
 * The tree of a Debian with systemd and every package of a server. It is read-only. It is made once for each list of packages (half a
 * minute) and kept in `SLIPWAY_TEST_CACHE`. Test files that ask at the same time wait for the file that makes it.
 */
export async function ensureServerImage(): Promise<string> {
  const cache = process.env['SLIPWAY_TEST_CACHE'] ?? '/var/cache/slipway-test';
  const make = join(import.meta.dirname, 'make-image.sh');
  const added = join(import.meta.dirname, 'image');
  const packages = await serverPackages();
  const unit = await readFile(join(added, 'etc/systemd/system/limits-are-writable.service'), 'utf8');
  const recipe = [SUITE, await readFile(make, 'utf8'), unit, ...packages].join('\n');
  const name = `server-${createHash('sha256').update(recipe).digest('hex').slice(0, 16)}`;
  const image = join(cache, name);
  if (existsSync(image)) return image;
  await mkdir(cache, { recursive: true });
  const sources = existsSync(SOURCES) ? [SOURCES] : [];
  await runOk(run, {
    file: 'flock',
    args: [join(cache, 'lock'), '/bin/sh', make, image, SUITE, packages.join(','), added, ...sources],
    timeoutMs: MAKE_LIMIT_MS,
  });
  const outdated = (await readdir(cache)).filter((old) => old.startsWith('server-') && old !== name);
  await Promise.all(outdated.map((old) => rm(join(cache, old), { recursive: true, force: true })));
  return image;
}

/** Sections [run] and [server] of the package list. */
async function serverPackages(): Promise<string[]> {
  const packages: string[] = [];
  let section = '';
  for (const line of (await readFile(join(PRODUCT_DIR, 'script', 'packages.txt'), 'utf8')).split('\n')) {
    section = /^\[(\w+)\]/.exec(line)?.[1] ?? section;
    if (/^[a-z0-9]/.test(line) && ['run', 'server'].includes(section)) packages.push(line.trim());
  }
  return packages;
}
