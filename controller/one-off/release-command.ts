import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Failure } from '../assignments/instance-failure.ts';
import type { App } from '../domain/apps.ts';
import type { Release } from '../domain/releases.ts';
import type { PhaseIo, ReleasePhase } from '../release/release-phase.ts';
import { stepsBefore } from './release-step.ts';
import type { StepRunner } from './step-runner.ts';

/** Runs what a release needs before it starts: `scripts.dokku.predeploy` of app.json, then the process type `release`. Each runs once. */
export class ReleaseCommand implements ReleasePhase {
  readonly #steps: Pick<StepRunner, 'run'>;
  readonly #failpoint: Failpoint;

  constructor({ steps, failpoint }: { readonly steps: Pick<StepRunner, 'run'>; readonly failpoint: Failpoint }) {
    this.#steps = steps;
    this.#failpoint = failpoint;
  }

  /** After a crash it begins with the first step again, whose end is known then. */
  async run(app: App, release: Release, io: PhaseIo): Promise<Failure | undefined> {
    for (const step of stepsBefore(release)) {
      const failure = await this.#steps.run(app, release, { step, io });
      await this.#failpoint('release.commandEnded');
      if (failure !== undefined) return failure;
    }
    return undefined;
  }
}
