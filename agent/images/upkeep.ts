import type { Assignment } from '../../shared/domain/assignment.ts';
import type { Digest } from '../../shared/domain/ids.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { NodeImages } from './images.ts';

interface UpkeepInput {
  readonly images: NodeImages;
  readonly assignments: readonly Assignment[];
  /** Layers of builds under way. */
  readonly building: Iterable<Digest>;
  readonly log: Logger;
}

/** Folders and mounts that somebody took away are put back, and what nobody needs any more goes. */
export async function keepImages({ images, assignments, building, log }: UpkeepInput): Promise<void> {
  await images.ensureHost();
  for (const { layer, uidBase } of mountsOf(assignments)) {
    if (!(await images.has(layer.digest))) continue;
    await images.mount(layer, uidBase).catch((error: unknown) => {
      log.warn({ layer: layer.name, err: error }, 'images.not-mounted');
    });
  }
  const inUse = new Set([...assignments.flatMap(({ layers }) => layers.map(({ digest }) => digest)), ...building]);
  await images.collectGarbage(inUse, inUse);
}

/** What running apps need for their next start (they hold their own): each mount once, however many instances share it. */
function mountsOf(assignments: readonly Assignment[]): Iterable<{ readonly layer: Layer; readonly uidBase: number }> {
  const running = assignments.filter(({ desired }) => desired === 'run');
  const mounts = running.flatMap(({ layers, uidBase }) => layers.map((layer) => ({ layer, uidBase })));
  return new Map(mounts.map((each) => [`${each.layer.digest} ${each.layer.shared ? '' : String(each.uidBase)}`, each])).values();
}
