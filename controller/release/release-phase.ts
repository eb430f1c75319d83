import type { App } from '../domain/apps.ts';
import type { Release } from '../domain/releases.ts';
import type { Failure } from '../assignments/instance-failure.ts';

export interface PhaseIo {
  /** Aborts when the controller stops, and when the app is destroyed. Then the phase rejects, and the next start of the controller calls it again. */
  readonly signal: AbortSignal;
  /** Aborts when the user gave up the push. Then the phase ends with a failure. Absent when no user waits. */
  readonly givenUp?: AbortSignal | undefined;
  readonly print: (text: string) => void;
  /** Lets waiting moves of the app run. The phase may take an hour, and lost instances must not wait for it. */
  readonly letMovesPass: () => Promise<void>;
}

/**
 * What runs once for each new release, before anything of the release starts. The release is `pending` meanwhile, and the caller holds the
 * queue of the app. After a crash of the controller, it is called again for a release that is still pending.
 */
export interface ReleasePhase {
  /** Returns why the release failed. Undefined: its rollout begins. */
  run(app: App, release: Release, io: PhaseIo): Promise<Failure | undefined>;
}

/** What runs when a release is live. It changes nothing about the release, also when it fails. */
export interface PostDeploy {
  /**
   * Runs what is due for this release. Call it once for each release, without the queue of the app. Never rejects.
   * @returns what failed; it has been printed
   */
  run(app: App, version: number, print?: (text: string) => void): Promise<readonly Failure[]>;
  /** At start: reads what former runs of the controller left. The returned function runs it, and never rejects. */
  resume(app: App): Promise<() => Promise<void>>;
}
