import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppId } from '../../../shared/domain/ids.ts';
import type { Run } from '../../../shared/kit/exec.ts';
import { ownerOfName } from '../../images/layout.ts';
import { parseMountInfo, unmountBelow } from '../../sandbox/files/mounts.ts';
import { byApp, isIdOf } from '../by-app.ts';
import type { NamedApp, Place } from '../port.ts';

export interface MountsPlaceDeps {
  /** Absolute paths of the folders that belong to this agent. */
  readonly roots: readonly string[];
  /** Known sandboxes of the app. */
  readonly sandboxesOf: (appId: AppId) => readonly string[];
  readonly run: Run;
}

/** Mounts of the app whose owners no longer exist, and loop devices that hold a file of the app open. */
export function mountsPlaces({ roots, sandboxesOf, run }: MountsPlaceDeps): readonly Place[] {
  const isOf = (app: NamedApp, path: string): boolean =>
    isPathOf(path, { app, roots, sandboxes: sandboxesOf(app.appId) });
  return [
    {
      name: 'mount',
      means: 'remove',
      look: async (apps) => {
        const mounts = parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8'));
        const inside = mounts.filter(({ target }) => isBelow(target, roots));
        return byApp(apps, (app) =>
          inside.filter((one) => isOf(app, one.target) || hasOwner(app, one.superOptions)).map(({ target }) => target),
        );
      },
      end: async (_app, left) => {
        for (const target of left) await unmountBelow(target, run);
      },
    },
    {
      // The kernel frees a loop device with its last user. The agent can only search again.
      name: 'loop device of',
      means: 'time',
      look: async (apps) => {
        const files = await backingFiles();
        return byApp(apps, (app) => files.filter((path) => isOf(app, path)));
      },
    },
  ];
}

/** Pure: whether a path below a folder of the agent contains the app's id, one of its user ids, or one of its sandboxes. */
export function isPathOf(
  path: string,
  {
    app,
    roots,
    sandboxes,
  }: { readonly app: NamedApp; readonly roots: readonly string[]; readonly sandboxes: readonly string[] },
): boolean {
  if (!isBelow(path, roots)) return false;
  return path.split('/').some((part) => {
    const owner = ownerOfName(part);
    return part === app.appId || sandboxes.includes(part) || (owner !== undefined && isIdOf(app, owner));
  });
}

/** Pure: whether the options of a mount give its files to the app. */
function hasOwner(app: NamedApp, superOptions: string): boolean {
  const ids = [...superOptions.matchAll(/(?:^|,)[ug]id=(\d+)/g)].map(([, id]) => Number(id));
  return ids.some((id) => isIdOf(app, id));
}

function isBelow(path: string, roots: readonly string[]): boolean {
  return roots.some((root) => path.startsWith(`${root}/`));
}

/** Backing files of all loop devices, also removed ones. */
async function backingFiles(): Promise<readonly string[]> {
  const names = (await readdir('/sys/block').catch(() => [])).filter((name) => name.startsWith('loop'));
  const read = (name: string): Promise<string> =>
    readFile(join('/sys/block', name, 'loop/backing_file'), 'utf8').catch(() => '');
  return (await Promise.all(names.map(read)))
    .map((text) => text.trimEnd().replace(/ \(deleted\)$/, ''))
    .filter((path) => path !== '');
}
