import type { AppId } from '../../shared/domain/ids.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Run } from '../../shared/kit/exec.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Images, ImageTransport } from '../images/port.ts';
import type { Sandbox } from '../sandbox/port.ts';
import type { BuildCaches } from './caches.ts';
import type { BuildRunnerConfig } from './config.ts';
import type { LayerBuilder } from './layers/port.ts';

export interface BuildRunnerDeps {
  readonly sandbox: Sandbox;
  readonly layers: LayerBuilder;
  readonly images: Pick<Images, 'mount' | 'path'>;
  readonly transport: Pick<ImageTransport, 'upload'>;
  /** True if this node runs instances of the app. Then its next release probably starts here too. */
  readonly runsHere: (appId: AppId) => boolean;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly run: Run;
  readonly log: Logger;
}

/** What the runner passes to one build. */
export interface BuildContext extends BuildRunnerDeps {
  readonly config: BuildRunnerConfig;
  readonly caches: BuildCaches;
  /** Protects layers from garbage collection until the clean-up of the build. */
  readonly useLayers: (taskId: string, layers: readonly Layer[]) => void;
  /** Runs work in the background. Only the next build of the same app waits for it. */
  readonly background: (appId: AppId, taskId: string, work: () => Promise<void>) => void;
}
