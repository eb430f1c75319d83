import type { NewEvent } from '../../shared/domain/event.ts';
import { toReason } from '../../shared/domain/instance.ts';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Failure } from '../assignments/instance-failure.ts';
import type { App } from '../domain/apps.ts';
import { releaseProcess } from '../domain/commands.ts';
import type { DueScript } from '../domain/due-scripts.ts';
import type { AppLifetimes } from '../release/app-lifetimes.ts';
import type { DeployAborts } from '../release/deploy-aborts.ts';
import type { PostDeploy } from '../release/release-phase.ts';
import type { Store } from '../store/port.ts';
import { renderScriptFailed, renderScriptsContinue } from './phase-output.ts';
import type { StepRunner } from './step-runner.ts';

export interface PostDeployScriptsDeps {
  readonly store: Pick<Store, 'dueScripts' | 'endDueScript' | 'release'>;
  readonly steps: Pick<StepRunner, 'run'>;
  readonly lifetimes: AppLifetimes;
  readonly aborts: DeployAborts;
  readonly failpoint: Failpoint;
  readonly log: Logger;
  /** Aborted when the controller stops. */
  readonly signal: AbortSignal;
}

interface ScriptIo {
  /** Aborts when the controller stops, and when the app is destroyed. */
  readonly signal: AbortSignal;
  /** Aborts when a user aborts the deploy. Then the script is stopped; the release stays live. */
  readonly abort: AbortSignal;
  readonly print: (text: string) => void;
}

/**
 * Runs `scripts.postdeploy` and `scripts.dokku.postdeploy` of app.json. The release is live by then, so nobody holds the queue of the app: it can
 * be scaled and moved, and the end of its bake does not wait. A client that leaves does not stop a script.
 */
export class PostDeployScripts implements PostDeploy {
  readonly #deps: PostDeployScriptsDeps;

  constructor(deps: PostDeployScriptsDeps) {
    this.#deps = deps;
  }

  async run(app: App, version: number, print: (text: string) => void = () => undefined): Promise<readonly Failure[]> {
    return await this.#attempt(app, print, async () => {
      const due = await this.#deps.store.dueScripts(app.id);
      const mine = due.filter((each) => each.version === version);
      return await this.#runAll(app, mine, print);
    });
  }

  async resume(app: App): Promise<() => Promise<void>> {
    const due = await this.#deps.store.dueScripts(app.id);
    const silent = (): undefined => undefined; // nobody waits any more
    return async () => {
      await this.#attempt(app, silent, () => this.#runAll(app, due, silent));
    };
  }

  async #attempt(
    app: App,
    print: (text: string) => void,
    work: () => Promise<readonly Failure[]>,
  ): Promise<readonly Failure[]> {
    const { signal, log } = this.#deps;
    try {
      return await work();
    } catch (error) {
      if (signal.aborted) print(renderScriptsContinue(app.name));
      else if (toSlipwayError(error).code !== 'SLIP_APP_DESTROYED')
        log.error({ app: app.name, err: error }, 'postdeploy.not_followed');
      return [];
    }
  }

  async #runAll(app: App, due: readonly DueScript[], print: (text: string) => void): Promise<readonly Failure[]> {
    if (due.length === 0) return [];
    const { lifetimes, aborts, signal: stopping } = this.#deps;
    return await lifetimes.during(app.id, stopping, (signal) => {
      const runAll = async (abort: AbortSignal): Promise<readonly Failure[]> => {
        const failures: Failure[] = [];
        for (const script of due) failures.push(...(await this.#runOne(app, script, { signal, abort, print })));
        return failures;
      };
      return aborts.during(app.id, runAll, 'scripts');
    });
  }

  async #runOne(app: App, due: DueScript, { signal, abort, print }: ScriptIo): Promise<readonly Failure[]> {
    const { store, steps, failpoint } = this.#deps;
    const { version, script } = due;
    const release = await store.release(app.id, version);
    const command = release?.slug.scripts?.[script];
    // A release that failed in its bake is not live any more.
    if (release === undefined || command === undefined || release.state === 'failed') {
      await store.endDueScript(due);
      return [];
    }
    const io = { signal, givenUp: abort, print, letMovesPass: () => Promise.resolve() };
    const failure = await steps.run(app, release, { step: { script, command }, io }).catch((error: unknown) => {
      signal.throwIfAborted();
      return toReason(error);
    });
    await failpoint('postdeploy.ended');
    await store.endDueScript(due, failure === undefined ? undefined : scriptFailed(app, due, failure));
    if (failure === undefined) return [];
    print(renderScriptFailed(failure, { app: app.name, version }));
    return [failure];
  }
}

function scriptFailed({ name: app }: App, { version, script }: DueScript, { message }: Failure): NewEvent {
  return {
    ...{ kind: 'release.script-failed', actor: 'controller', app, instance: releaseProcess(version, script) },
    message: `${message} This does not change v${String(version)}.`,
    next: `slipway releases:output v${String(version)} -a ${app}`,
  };
}
