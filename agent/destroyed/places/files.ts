import { dirname, join } from 'node:path';
import type { AppId } from '../../../shared/domain/ids.ts';
import { UIDS_PER_APP } from '../../../shared/domain/uid-range.ts';
import { syncDir } from '../../../shared/kit/atomic-file.ts';
import { runOk, type Run } from '../../../shared/kit/exec.ts';
import { removeTree } from '../../../shared/kit/remove-tree.ts';
import { readdirIfExists } from '../../images/stored-images.ts';
import { sandboxBase } from '../../sandbox/config.ts';
import { mountsBelow } from '../../sandbox/files/mounts.ts';
import { isIdOf } from '../by-app.ts';
import type { NamedApp, Place } from '../port.ts';

/** The agent has few files of its own. The files of apps are on other file systems, which the search does not enter. */
const LIMITS = Object.freeze({ dataBytes: 256 * 1024 ** 2, processorSeconds: 60, timeoutMs: 5 * 60_000 });

/** Other files in the agent's folder that belong to the app's users and groups. This place is the last one, after every other place has removed its own files. */
export function filesPlace({ stateDir, run }: { readonly stateDir: string; readonly run: Run }): Place {
  return {
    name: 'file',
    means: 'remove',
    look: async (apps) => {
      const ranged = apps.filter(({ uidBase }) => uidBase !== 0);
      return ranged.length === 0 ? new Map() : groupFound(ranged, await find(stateDir, ranged, run));
    },
    end: async (_app, left) => {
      for (const path of left) {
        await removeTree(path, run);
        await syncDir(dirname(path));
      }
    },
  };
}

async function find(stateDir: string, apps: readonly NamedApp[], run: Run): Promise<string> {
  const limits = [`--data=${String(LIMITS.dataBytes)}`, `--cpu=${String(LIMITS.processorSeconds)}`];
  const owned = ['(', ...apps.flatMap(({ uidBase }, at) => [...(at === 0 ? [] : ['-o']), ...inRange(uidBase)]), ')'];
  const mounts = (await mountsBelow(stateDir)).filter((path) => path !== stateDir);
  const from = await startsIn(stateDir, new Set(mounts));
  if (from.length === 0) return '';
  // A folder of this file system can be mounted below another one, so -xdev alone is not enough.
  const skipped = mounts.flatMap((path) => ['-path', path.replaceAll(/[\\*?[\]]/g, '\\$&'), '-prune', '-o']);
  const search = [
    'find',
    ...from,
    '-ignore_readdir_race',
    '-xdev',
    ...skipped,
    ...owned,
    '-printf',
    '%U %G %p\\0',
    '-prune',
  ];
  const args = [...limits, '--', 'nice', '-n', '10', ...search];
  return (await runOk(run, { file: 'prlimit', args, timeoutMs: LIMITS.timeoutMs })).stdout;
}

/** One of the mounts shows the folder of all sandboxes below itself. A search from above would find a loop and fail. */
async function startsIn(stateDir: string, mounts: ReadonlySet<string>): Promise<readonly string[]> {
  const sandbox = sandboxBase(stateDir);
  const inside = async (dir: string): Promise<readonly string[]> =>
    (await readdirIfExists(dir)).map(({ name }) => join(dir, name));
  return [...(await inside(stateDir)), ...(await inside(sandbox))].filter(
    (path) => path !== sandbox && !mounts.has(path),
  );
}

function inRange(uidBase: number): readonly string[] {
  const bounds = (test: string): readonly string[] => [
    test,
    `+${String(uidBase - 1)}`,
    test,
    `-${String(uidBase + UIDS_PER_APP)}`,
  ];
  return ['(', ...bounds('-uid'), ')', '-o', '(', ...bounds('-gid'), ')'];
}

/** Pure: `uid gid path` of each file, each with a zero byte at its end. */
export function groupFound(apps: readonly NamedApp[], text: string): ReadonlyMap<AppId, readonly string[]> {
  const files = text.split('\0').flatMap((entry) => {
    const [, uid, gid, path] = /^(\d+) (\d+) (.+)$/s.exec(entry) ?? [];
    return path === undefined ? [] : [{ ids: [Number(uid), Number(gid)], path }];
  });
  return new Map(
    apps.map((app) => [
      app.appId,
      files.filter(({ ids }) => ids.some((id) => isIdOf(app, id))).map(({ path }) => path),
    ]),
  );
}
