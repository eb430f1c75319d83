import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../shared/kit/exec.ts';
import { UIDS_PER_APP } from '../../shared/domain/uid-range.ts';

export interface FormerApp {
  readonly appId: string;
  readonly uidBase: number;
  /** Text that only this app has: a config value, a line of its log. */
  readonly secrets: readonly string[];
}

/** Everything of an app in the folder of an agent and in the kernel, as text. */
export async function remainsOf(stateDir: string, { appId, uidBase, secrets }: FormerApp): Promise<readonly string[]> {
  const isOwn = (id: number): boolean => id >= uidBase && id < uidBase + UIDS_PER_APP;
  const isNamed = (path: string): boolean =>
    path.includes(appId) || [...path.matchAll(/-(\d{9,10})\b/g)].some(([, uid]) => isOwn(Number(uid)));
  const files = await listFiles(stateDir);
  const owned = files
    .filter(({ uid, gid, path }) => isOwn(uid) || isOwn(gid) || isNamed(path))
    .map(({ path }) => `file ${path}`);
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const mounted = mounts.filter((line) => line.includes(stateDir) && isNamed(line)).map((line) => `mount ${line}`);
  const loops = loopFiles().filter((path) => path.startsWith(stateDir) && isNamed(path));
  const texts = await Promise.all(secrets.map((secret) => filesWith(stateDir, secret)));
  return [
    ...owned,
    ...mounted,
    ...loops.map((path) => `loop device ${path}`),
    ...texts.flat().map((path) => `secret in ${path}`),
  ];
}

/** Processes with a user id of the app in the control groups of this agent. */
export function processesOf(uidBase: number, group: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const uid = Number(/^Uid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1]);
      return uid >= uidBase && uid < uidBase + UIDS_PER_APP && read(`/proc/${pid}/cgroup`).includes(`/${group}/`);
    });
}

/** The control groups of a process, and the files of the writable disks that it sees. */
export function placesOf(pid: string): { readonly groups: readonly string[]; readonly disks: readonly string[] } {
  const paths = read(`/proc/${pid}/cgroup`)
    .split('\n')
    .flatMap((line) => line.split(':').slice(2, 3));
  const mounts = read(`/proc/${pid}/mountinfo`).matchAll(/ - ext4 \/dev\/(loop\d+) /g);
  const disks = [...mounts].map(([, name = '']) => read(join('/sys/block', name, 'loop/backing_file')).trim());
  return { groups: paths.filter((path) => path !== '/' && path !== ''), disks: [...new Set(disks)] };
}

/** What is left of the places of a process that has ended. */
export async function remainsOfPlaces({ groups, disks }: ReturnType<typeof placesOf>): Promise<readonly string[]> {
  const { stdout } = await run({
    file: 'find',
    args: ['/sys/fs/cgroup', '-type', 'd'],
    maxOutputBytes: 64 * 1024 * 1024,
  });
  const left = stdout.split('\n').filter((dir) => groups.some((group) => dir.endsWith(group)));
  const files = disks.filter((disk) => loopFiles().includes(disk) || existsSync(disk));
  return [...left.map((dir) => `control group ${dir}`), ...files.map((file) => `disk ${file}`)];
}

interface Found {
  readonly uid: number;
  readonly gid: number;
  readonly path: string;
}

async function listFiles(dir: string): Promise<readonly Found[]> {
  // Folders of the machine are mounted below these.
  const skipped = ['-path', '*/sandbox/view', '-prune', '-o', '-path', '*/sandbox/root/shielded', '-prune', '-o'];
  const args = [dir, '-ignore_readdir_race', '-xdev', ...skipped, '-printf', '%U %G %p\\0'];
  const { stdout } = await run({ file: 'find', args, maxOutputBytes: 64 * 1024 * 1024 });
  return stdout.split('\0').flatMap((line) => {
    const [, uid, gid, path] = /^(\d+) (\d+) (.+)$/s.exec(line) ?? [];
    return path === undefined ? [] : [{ uid: Number(uid), gid: Number(gid), path }];
  });
}

async function filesWith(dir: string, text: string): Promise<readonly string[]> {
  const { stdout } = await run({
    file: 'grep',
    args: ['-rlFs', '--exclude=*.img', '--exclude-dir=view', '--exclude-dir=shielded', '--', text, dir],
  });
  return stdout.split('\n').filter(Boolean);
}

function loopFiles(): readonly string[] {
  const names = readdirSync('/sys/block').filter((name) => name.startsWith('loop'));
  return names.map((name) => read(join('/sys/block', name, 'loop/backing_file')).trim());
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
