import type { Assignment } from '../../shared/domain/assignment.ts';
import type { Digest } from '../../shared/domain/ids.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { NodeImages } from './port.ts';

interface UpkeepInput {
  readonly images: NodeImages;
  /** Of the last accepted state. */
  readonly assignments: () => readonly Assignment[];
  /** Layers of running builds and commands. */
  readonly inUse: Iterable<Digest>;
  readonly log: Logger;
}

interface Mount {
  readonly layer: Layer;
  readonly uidBase: number;
  /** Equal for the same mount. */
  readonly key: string;
}

/** Restores removed folders and mounts, and deletes images that nothing needs. */
export async function maintainImages({ images, assignments, inUse: ofTasks, log }: UpkeepInput): Promise<void> {
  await images.ensureHost();
  const planned = assignments();
  for (const { key, layer, uidBase } of mountsOf(planned)) {
    if (!(await images.has(layer.digest))) continue;
    // Checks again right before the mount, because the layers of a destroyed app must not be mounted again.
    const now = assignments();
    if (now !== planned && !mountsOf(now).some((one) => one.key === key)) continue;
    await images.mount(layer, uidBase).catch((error: unknown) => {
      log.warn({ layer: layer.name, err: error }, 'images.not_mounted');
    });
  }
  const inUse = new Set([...assignments().flatMap(({ layers }) => layers.map(({ digest }) => digest)), ...ofTasks]);
  await images.collectGarbage(inUse, inUse);
}

/** Mounts for the next start of the running apps, each once. (A running instance holds its own mounts.) */
function mountsOf(assignments: readonly Assignment[]): readonly Mount[] {
  const running = assignments.filter(({ desired }) => desired === 'run');
  const keyOf = (layer: Layer, uidBase: number): string => `${layer.digest} ${layer.shared ? '' : String(uidBase)}`;
  const mounts = running.flatMap(({ layers, uidBase }) =>
    layers.map((layer) => ({ layer, uidBase, key: keyOf(layer, uidBase) })),
  );
  return [...new Map(mounts.map((each) => [each.key, each])).values()];
}
