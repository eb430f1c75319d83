import type { AppId } from '../../shared/domain/ids.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

/** What an abort can end: a deploy, or the scripts of app.json that run when the release is live. */
type Work = 'deploy' | 'scripts';

interface Running {
  readonly work: Work;
  readonly controller: AbortController;
  /** Resolves when the work has ended. */
  readonly ended: Promise<void>;
}

/** Knows the builds and rollouts that run now, and ends them when a user aborts the deploy of an app. */
export class DeployAborts {
  readonly #running = new Map<AppId, Set<Running>>();

  /** Part of a deploy. The signal aborts, with an error for the user as its reason, when the deploy must end. */
  async during<T>(appId: AppId, run: (abort: AbortSignal) => Promise<T>, work: Work = 'deploy'): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const running = { work, controller: new AbortController(), ended: promise };
    const all = this.#running.get(appId) ?? new Set();
    this.#running.set(appId, all.add(running));
    try {
      return await run(running.controller.signal);
    } finally {
      all.delete(running);
      if (all.size === 0) this.#running.delete(appId);
      resolve(undefined);
    }
  }

  /** A deploy of the app is running, or waits for its turn between build and release. */
  isRunning(appId: AppId): boolean {
    return this.#running.has(appId);
  }

  /** Resolves when everything of the deploy has ended. @returns what has run; empty: nothing */
  async abort(appId: AppId, reason: SlipwayError): Promise<ReadonlySet<Work>> {
    const running = [...(this.#running.get(appId) ?? [])];
    for (const { controller } of running) controller.abort(reason);
    await Promise.all(running.map(({ ended }) => ended));
    return new Set(running.map(({ work }) => work));
  }
}

export function deployAborted(by: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DEPLOY_ABORTED',
    message: `${by} aborted the deploy.`,
    hint: 'To deploy it again, push again.',
  });
}
