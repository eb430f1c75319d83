import type { AppId, BuildId, UserId } from '../../shared/domain/ids.ts';
import type { BuildState } from '../../shared/domain/states.ts';

export interface Build {
  readonly id: BuildId;
  readonly appId: AppId;
  readonly userId: UserId;
  readonly commit: string;
  readonly state: BuildState;
  readonly createdAtMs: number;
  readonly finishedAtMs?: number | undefined;
  /** Sentence and hint of a failed build. */
  readonly failure?:
    { readonly code: string; readonly message: string; readonly hint?: string | undefined } | undefined;
  /** Where the time of the push went, ms; kept for `builds:info`. */
  readonly timingsMs: Readonly<Record<string, number>>;
}
