import type { Assignment } from '../../shared/domain/assignment.ts';
import type { Digest } from '../../shared/domain/ids.ts';
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
  for (const assignment of assignments.filter(({ desired }) => desired === 'run')) {
    // For its next start: a running app holds its own.
    for (const layer of assignment.layers) {
      if (!(await images.has(layer.digest))) continue;
      await images.mount(layer, assignment.uidBase).catch((error: unknown) => {
        log.warn({ layer: layer.name, err: error }, 'images.not-mounted');
      });
    }
  }
  const inUse = new Set([...assignments.flatMap(({ layers }) => layers.map(({ digest }) => digest)), ...building]);
  await images.collectGarbage(inUse, inUse);
}
