import type { Digest } from '../../../shared/domain/ids.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import type { NodeImages } from '../../images/port.ts';
import { byAppInTurn, isIdOf } from '../by-app.ts';
import type { NamedApp, Place } from '../port.ts';

export interface ImagesPlaceDeps {
  readonly images: Pick<NodeImages, 'ownedBy' | 'unneeded' | 'purge'>;
  /** Layers of instances and builds of this node. */
  readonly inUse: () => ReadonlySet<Digest>;
  /** Layers that later builds of apps can reuse. */
  readonly reusable: () => Promise<ReadonlySet<Digest>>;
  readonly clock: Clock;
}

/** An image that was used within this time is not removed, because a start may need it now. */
const GRACE_MS = 60_000;

/**
 * Layers with the app's owner, and images. An image has no record of its apps, so each image that nothing on this node needs is removed. Other
 * apps download their images again when they need them.
 */
export function imagesPlaces(deps: ImagesPlaceDeps): readonly Place[] {
  const { images, clock } = deps;
  const needed = async (): Promise<ReadonlySet<Digest>> => new Set([...(await deps.reusable()), ...deps.inUse()]);
  const isOwner = (app: NamedApp) => (uid: number) => isIdOf(app, uid);
  const unneeded = async (apps: readonly NamedApp[], before: (app: NamedApp) => number): ReturnType<Place['look']> => {
    const needs = await needed();
    return await byAppInTurn(apps, (app) => images.unneeded(needs, before(app)));
  };
  const removable: Place = {
    name: 'layer',
    means: 'remove',
    look: async (apps) => {
      const old = await unneeded(apps, ({ namedAtMs }) => Math.min(namedAtMs, clock.nowMs() - GRACE_MS));
      const all = new Set(await images.unneeded(await needed(), Infinity));
      return await byAppInTurn(apps, async (app) => {
        const owned = (await images.ownedBy(isOwner(app))).map(({ path }) => path);
        return [...new Set([...owned, ...(old.get(app.appId) ?? []), ...app.layers.intersection(all)])];
      });
    },
    end: async (app) => {
      const reusable = await deps.reusable();
      const owned = await images.ownedBy(isOwner(app));
      await images.purge({ owned, layers: app.layers, inUse: () => new Set([...reusable, ...deps.inUse()]) });
    },
  };
  const recent: Place = {
    name: 'recently used layer',
    means: 'time',
    look: (apps) => unneeded(apps, ({ namedAtMs }) => namedAtMs),
  };
  return [removable, recent];
}
