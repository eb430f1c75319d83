import { lstat, mkdir, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runOk, type Run } from '../../../shared/kit/exec.ts';
import { sandboxBase, type InstanceLayout, type SandboxConfig } from '../config.ts';
import type { SandboxSpec } from '../port.ts';
import { mountsBelow, type NewMount } from './mounts.ts';

const OTHERS_MAY_PASS = 0o001;

/**
 * The folder of all sandboxes, at a path that the root user of a sandbox can reach. In a user namespace, this user has no rights on the host, and
 * it looks up the sources of binds. If the state is below a closed folder (`/root/…`), it is bound to /run/<name> once and used from there.
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

/** Removes the empty folder in /run, if there is one. */
export async function closeBase(base: string): Promise<void> {
  if (dirname(base) === '/run') await rmdir(base).catch(() => undefined); // already removed
}

/** Moves the bind sources of a spec to paths that the root user of the sandbox can reach, on mounts without set-user-id. Returns these mounts too. */
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
