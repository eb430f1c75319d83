import { readFile } from 'node:fs/promises';
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
 * Unmounts everything at or below a folder. A busy mount is detached: it goes when its last user does.
 * Nothing may be removed below `dir` before this has resolved.
 */
export async function unmountBelow(dir: string, run: Run): Promise<void> {
  const targets = await mountsBelow(dir);
  if (targets.length === 0) return;
  const plain = await run({ file: 'umount', args: ['--', ...targets], timeoutMs: 20_000 });
  if (plain.code === 0) return;
  const left = await mountsBelow(dir);
  if (left.length > 0) await runOk(run, { file: 'umount', args: ['--lazy', '--', ...left], timeoutMs: 20_000 });
}
