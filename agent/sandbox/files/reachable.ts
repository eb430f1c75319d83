import { lstat, mkdir, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runOk, type Run } from '../../../shared/kit/exec.ts';
import { sandboxBase, type InstanceLayout, type SandboxConfig } from '../config.ts';
import type { SandboxSpec } from '../port.ts';
import { mountsBelow, type NewMount } from './mounts.ts';

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
  if (!(await mountsBelow(open)).includes(open))
    await runOk(run, { file: 'mount', args: ['--bind', '--', base, open] });
  return open;
}

/** Removes the empty place in /run when there was one. */
export async function closeBase(base: string): Promise<void> {
  if (dirname(base) === '/run') await rmdir(base).catch(() => undefined); // gone already
}

/** A spec whose bind sources are at paths that an app's root can reach, on mounts without set-user-id programs; and the mounts for this. */
export async function reachableBinds(
  spec: SandboxSpec,
  layout: InstanceLayout,
): Promise<{ spec: SandboxSpec; mounts: readonly NewMount[] }> {
  const mounts: NewMount[] = [];
  const open = async (binds: Readonly<Record<string, string>>): Promise<Record<string, string>> => {
    const result: Record<string, string> = {};
    for (const [source, target] of Object.entries(binds)) {
      const found = await lstat(source).catch(() => undefined);
      if (found === undefined || found.isSymbolicLink()) {
        result[source] = target; // refused later
        continue;
      }
      const place = join(layout.dir, 'binds', String(mounts.length));
      await makePlace(place, found.isDirectory());
      mounts.push({ source, target: place, type: 'none', options: 'bind,nosuid,nodev' });
      result[place] = target;
    }
    return result;
  };
  const readOnlyBinds = await open(spec.readOnlyBinds);
  const writableBinds = await open(spec.writableBinds);
  return { spec: { ...spec, readOnlyBinds, writableBinds }, mounts };
}

async function makePlace(place: string, isDirectory: boolean): Promise<void> {
  await mkdir(dirname(place), { recursive: true, mode: 0o711 });
  await (isDirectory ? mkdir(place) : writeFile(place, '', { flag: 'wx' }));
}

async function parentsOpen(path: string): Promise<boolean> {
  for (let dir = dirname(path); ; dir = dirname(dir)) {
    if (((await stat(dir)).mode & OTHERS_MAY_PASS) === 0) return false;
    if (dir === '/') return true;
  }
}
