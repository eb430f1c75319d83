import { toSlipwayError } from '../kit/errors.ts';
import type { InstanceId } from './ids.ts';

/**
 * Observed state of an instance, as its agent reports it.
 *  pending   accepted, no step done yet
 *  fetching  its layers are downloading
 *  starting  its process runs, and its gate has not passed yet
 *  live      its gate has passed (web: its port answers; others: it kept running)
 *  backoff   it crashed and waits for its next start
 *  stopping  it drains, or waits for the end of its process
 *  stopped   it ended on request
 *  failed    it never became live, and is not tried again under this id (gate failed, layers missing)
 */
export type InstanceState =
  'pending' | 'fetching' | 'starting' | 'live' | 'backoff' | 'stopping' | 'stopped' | 'failed';

/** How a process ended. Exactly one of code and signal is set unless nothing is known. */
export interface Exit {
  readonly code?: number | undefined;
  readonly signal?: string | undefined;
  readonly oomKilled: boolean;
  /** With `oomKilled`: the memory of all sandboxes of the node was used up. The process had not reached its own limit. */
  readonly oomOfNode?: boolean | undefined;
  readonly atMs: number;
}

/** For a sentence such as `web.1 exited with status 7`. */
export function howItEnded(exit: Exit | undefined): string {
  if (exit?.oomKilled === true)
    return exit.oomOfNode === true ? 'was killed, because its node ran out of memory' : 'ran out of memory';
  if (exit?.signal !== undefined) return `was ended by ${exit.signal}`;
  return exit?.code === undefined ? 'ended' : `exited with status ${String(exit.code)}`;
}

/** A failure or refusal that a user may see. */
export interface Reason {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** The reason of a failure that a user may see. */
export function toReason(error: unknown): Reason {
  const { code, message, hint } = toSlipwayError(error);
  return { code, message, hint };
}

/** Crashes since the process last ran for ten minutes. */
export interface Crashes {
  readonly count: number;
  /** Wall clock of the first of them; absent when the agent did not record it. */
  readonly sinceMs?: number | undefined;
}

/** How an instance answered one of its health checks. */
export interface CheckResult {
  /** `readiness check /up` */
  readonly check: string;
  readonly passed: boolean;
  /** The last attempt. A check fails only after several failed attempts. */
  readonly lastPassed: boolean;
  /** e.g. `it answered 200`. It has no text of the app. */
  readonly answer: string;
  /** Since when the check has had this result. */
  readonly sinceMs: number;
}

export interface InstanceStatus {
  readonly instanceId: InstanceId;
  readonly state: InstanceState;
  /** The node's own proxy sends it new requests; absent when its agent does not report it. */
  readonly serving?: boolean | undefined;
  /** Starts after the first, under this id. */
  readonly restarts: number;
  /** Wall clock of the current process's start; absent when none runs. */
  readonly startedAtMs?: number | undefined;
  readonly lastExit?: Exit | undefined;
  /** Absent before the first crash, and when the agent does not report it. */
  readonly crashes?: Crashes | undefined;
  /** Wall clock of the next start while in back-off. */
  readonly nextStartAtMs?: number | undefined;
  readonly reason?: Reason | undefined;
  /** Last lines of the app's own output, only with a failure. */
  readonly lastLines: readonly string[];
  /** False: no proxy may send it requests. Absent: it has no readiness or liveness check, or an older agent. */
  readonly ready?: boolean | undefined;
  /** The last answer to each health check that has run; absent from an older agent. */
  readonly checks?: readonly CheckResult[] | undefined;
  /** The number of the last requested run of its checks that is done. */
  readonly checksRun?: number | undefined;
  /** How long each step of the start took, ms: fetch, mount, sandbox, gate, switch. For the timing line of a push. */
  readonly timingsMs: Readonly<Record<string, number>>;
}
