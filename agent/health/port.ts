import type { HealthCheck } from '../../shared/domain/health-check.ts';

export interface ProbeTarget {
  readonly instanceId: string;
  readonly address: string;
  /** PORT of the instance; absent: it has none. */
  readonly port?: number | undefined;
}

/** What an app answered to one attempt. */
export interface ProbeAnswer {
  readonly passed: boolean;
  /** For a sentence: `it answered 503`. It has no text of the app. */
  readonly answer: string;
}

/** Runs one attempt of a check. Never rejects, and ends within the time limit of the check. */
export type RunProbe = (check: HealthCheck, target: ProbeTarget, signal: AbortSignal) => Promise<ProbeAnswer>;
