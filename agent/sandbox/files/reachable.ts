import { lstat, mkdir, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runOk, type Run } from '../../../shared/kit/exec.ts';
import { sandboxBase, type InstanceLayout, type SandboxConfig } from '../config.ts';
import type { SandboxSpec } from '../port.ts';
import { mountsBelow } from './mounts.ts';

const OTHERS_MAY_PASS = 0o001;

/**
 * The folder of all sandboxes by a path that an app's own root may walk: with a user namespace, bind sources are looked up as a
 * user who is nobody here. State below a closed folder (`/root/…`) is bound to /run/<name> once and used from there.
 */
export async function reachableBase(config: SandboxConfig, run: Run): Promise<string> {
  const base = sandboxBase(config.stateDir);
  await mkdir(config.stateDir, { recursive: true });
  await mkdir(base, { recursive: true, mode: 0o711 });
  if (await parentsOpen(base)) return base;
  const open = join('/run', `${config.name}-sandbox`);
  await mkdir(open, { recursive: true, mode: 0o711 });
  if (!(await mountsBelow(open)).includes(open)) await runOk(run, { file: 'mount', args: ['--bind', '--', base, open] });
  return open;
}

/** Removes the empty place in /run when there was one. */
export async function closeBase(base: string): Promise<void> {
  if (dirname(base) === '/run') await rmdir(base).catch(() => undefined); // gone already
}

/** The spec with each bind source moved to a path that an app's root can reach, on a mount without set-user-id programs. */
export async function reachableBinds(spec: SandboxSpec, layout: InstanceLayout, run: Run): Promise<SandboxSpec> {
  let count = 0;
  const open = async (binds: Readonly<Record<string, string>>): Promise<Record<string, string>> => {
    const result: Record<string, string> = {};
    for (const [source, target] of Object.entries(binds)) {
      // a link, or absent: refused later
      if ((await lstat(source).catch(() => undefined))?.isSymbolicLink() !== false) result[source] = target;
      else result[await bindOpen(source, join(layout.dir, 'binds', String(count++)), run)] = target;
    }
    return result;
  };
  return { ...spec, readOnlyBinds: await open(spec.readOnlyBinds), writableBinds: await open(spec.writableBinds) };
}

async function bindOpen(source: string, place: string, run: Run): Promise<string> {
  await mkdir(dirname(place), { recursive: true, mode: 0o711 });
  if ((await stat(source)).isDirectory()) await mkdir(place);
  else await writeFile(place, '', { flag: 'wx' });
  await runOk(run, { file: 'mount', args: ['--bind', '-o', 'nosuid,nodev', '--', source, place] });
  return place;
}

async function parentsOpen(path: string): Promise<boolean> {
  for (let dir = dirname(path); ; dir = dirname(dir)) {
    if (((await stat(dir)).mode & OTHERS_MAY_PASS) === 0) return false;
    if (dir === '/') return true;
  }
}
