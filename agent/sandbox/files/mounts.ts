import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runOk, type Run } from '../../../shared/kit/exec.ts';

export interface MountEntry {
  readonly target: string;
  readonly type: string;
  readonly source: string;
  readonly superOptions: string;
}

/** /proc/PID/mountinfo, in mount order. Pure. */
export function parseMountInfo(text: string): MountEntry[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [left = '', right = ''] = line.split(' - ');
      const [type = '', source = '', superOptions = ''] = right.split(' ');
      return { target: unescape(left.split(' ')[4] ?? ''), type, source: unescape(source), superOptions };
    });
}

function unescape(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

/** Mount points at or below a folder, last mounted first: the order to unmount in. */
export async function mountsBelow(dir: string): Promise<string[]> {
  const mounts = parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8'));
  return mounts
    .map((mount) => mount.target)
    .filter((target) => target === dir || target.startsWith(`${dir}/`))
    .reverse();
}

/**
 * Unmounts everything at or below a folder. A busy mount is detached: the kernel removes it after its last use.
 * Delete nothing below `dir` before this has resolved.
 */
export async function unmountBelow(dir: string, run: Run): Promise<void> {
  const targets = await mountsBelow(dir);
  if (targets.length === 0) return;
  const plain = await run({ file: 'umount', args: ['--', ...targets], timeoutMs: 20_000 });
  if (plain.code === 0) return;
  const left = await mountsBelow(dir);
  if (left.length > 0) await runOk(run, { file: 'umount', args: ['--lazy', '--', ...left], timeoutMs: 20_000 });
}

/** One line of an fstab. */
export interface NewMount {
  /** A path, or the name of a file system without a source. */
  readonly source: string;
  readonly target: string;
  readonly type: 'none' | 'overlay' | 'devpts';
  readonly options: string;
}

/** Pure. */
export function fstabOf(mounts: readonly NewMount[]): string {
  return mounts
    .map(({ source, target, type, options }) => `${[source, target, type, options].map(fstabField).join(' ')} 0 0\n`)
    .join('');
}

function fstabField(text: string): string {
  return text.replace(/[\s\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/**
 * Mounts all of them, in this order, with one program, because starting a program takes longer than a mount. A failure can leave some of them mounted.
 * @param folder relative paths in the options begin here, and the list is written here
 */
export async function mountAll(folder: string, mounts: readonly NewMount[], run: Run): Promise<void> {
  if (mounts.length === 0) return;
  const list = join(folder, 'mounts');
  await writeFile(list, fstabOf(mounts), { mode: 0o600 });
  await runOk(run, { file: 'mount', args: ['--all', '--fstab', list], cwd: folder, timeoutMs: 20_000 });
}
