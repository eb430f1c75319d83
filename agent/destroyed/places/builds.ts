import type { NodeBuildRunner } from '../../build/runner.ts';
import { byAppInTurn } from '../by-app.ts';
import type { Place } from '../port.ts';

/** Build caches, task folders, and the records of the layers of each build. */
export function buildsPlace(builds: Pick<NodeBuildRunner, 'leftOf' | 'removeApp'>): Place {
  return {
    name: 'files of builds:',
    means: 'remove',
    look: (apps) => byAppInTurn(apps, ({ appId }) => builds.leftOf(appId)),
    end: ({ appId }) => builds.removeApp(appId),
  };
}
