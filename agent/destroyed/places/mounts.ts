import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AppId } from '../../../shared/domain/ids.ts';
import type { Run } from '../../../shared/kit/exec.ts';
import { ownerOfName } from '../../images/layout.ts';
import { parseMountInfo, unmountBelow } from '../../sandbox/files/mounts.ts';
import { byApp, isIdOf } from '../by-app.ts';
import type { NamedApp, Place } from '../port.ts';

export interface MountsPlaceDeps {
  /** Folders below which everything is this agent's, absolute. */
  readonly roots: readonly string[];
  /** Sandboxes that the app had, as far as it is known. */
  readonly sandboxesOf: (appId: AppId) => readonly string[];
  readonly run: Run;
}

/** Mounts of the app that are still there although their owners are gone, and loop devices that hold a file of it open. */
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
      // The kernel frees a loop device with its last user; nothing can be done from here but to look again.
      name: 'loop device of',
      means: 'time',
      look: async (apps) => {
        const files = await backingFiles();
        return byApp(apps, (app) => files.filter((path) => isOf(app, path)));
      },
    },
  ];
}

/** Pure: whether a path below a folder of the agent is about this app: by its id, by one of its user ids, or by a sandbox of it. */
export function isPathOf(
  path: string,
  of: { readonly app: NamedApp; readonly roots: readonly string[]; readonly sandboxes: readonly string[] },
): boolean {
  if (!isBelow(path, of.roots)) return false;
  return path.split('/').some((part) => {
    const owner = ownerOfName(part);
    return part === of.app.appId || of.sandboxes.includes(part) || (owner !== undefined && isIdOf(of.app, owner));
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

/** Also of files that were removed while a device held them open. */
async function backingFiles(): Promise<readonly string[]> {
  const names = (await readdir('/sys/block').catch(() => [])).filter((name) => name.startsWith('loop'));
  const read = (name: string): Promise<string> =>
    readFile(join('/sys/block', name, 'loop/backing_file'), 'utf8').catch(() => '');
  return (await Promise.all(names.map(read)))
    .map((text) => text.trimEnd().replace(/ \(deleted\)$/, ''))
    .filter((path) => path !== '');
}
