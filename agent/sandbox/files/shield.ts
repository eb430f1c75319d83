import { mkdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { runOk, type Run } from '../../../shared/kit/exec.ts';
import { mountsBelow, unmountBelow } from './mounts.ts';

/** nspawn copies the flags of the source to a bind, so the source must have these flags already. */
const FLAGS = 'nosuid,nodev,relatime';

/** A read-only mount of a folder of this machine, for all sandboxes. Set-user-id programs and device files have no effect there. */
export async function shieldFolder(base: string, source: string, run: Run): Promise<string> {
  return shield(join(base, 'root', 'shielded', source.slice(1).replaceAll('/', '-')), source, {
    flags: `ro,${FLAGS}`,
    run,
  });
}

/** The same for our own folder, but writable. `viewOf` returns the paths below it. */
export async function shieldBase(base: string, run: Run): Promise<void> {
  await shield(join(base, 'view'), base, { flags: FLAGS, run });
}

/** The path at which the tools find a file of our folder. Pure. */
export function viewOf(base: string, path: string): string {
  return join(base, 'view', relative(base, path));
}

async function shield(
  target: string,
  source: string,
  { flags, run }: { readonly flags: string; readonly run: Run },
): Promise<string> {
  if ((await mountsBelow(target)).includes(target)) {
    if (await isSame(source, target)) return target;
    await unmountBelow(target, run); // the folder was replaced; running sandboxes keep the old one
  }
  await mkdir(target, { recursive: true });
  await runOk(run, { file: 'mount', args: ['--bind', '-o', flags, '--', source, target], timeoutMs: 20_000 });
  // On a host that shares its mounts, each mount of a sandbox would appear here a second time.
  await runOk(run, { file: 'mount', args: ['--make-private', '--', target], timeoutMs: 20_000 });
  return target;
}

async function isSame(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([stat(one), stat(other)]);
  return a.dev === b.dev && a.ino === b.ino;
}
