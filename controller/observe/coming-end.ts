import type { DesiredInstanceState } from '../../shared/domain/assignment.ts';
import type { ReleaseState } from '../../shared/domain/states.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import type { MoveReason } from '../domain/assignments.ts';
import { clockTime } from './why/format.ts';

/** What decides whether an instance ends while a user has a session in it. */
export interface ComingEndFacts {
  /** `web.1` */
  readonly instance: string;
  /** Of the instance. */
  readonly release: number;
  readonly node: string;
  /** Undefined: the instance has ended. */
  readonly desired: DesiredInstanceState | undefined;
  /** The instance that takes its place. */
  readonly copy?: { readonly node: string; readonly reason: MoveReason | undefined } | undefined;
  /** End of the drain of the node, wall clock. */
  readonly drainUntilMs?: number | undefined;
  /** The newest release of the app. */
  readonly latest: { readonly version: number; readonly state: ReleaseState } | undefined;
  /** How long an instance stays ready after a newer release serves. */
  readonly bakeMs: number;
}

export interface ComingEnd {
  /** Tells the user that the instance ends, and when. */
  readonly notice: string;
  /** Why the session has ended, when it has. Undefined: nobody knows more than that the instance stopped. */
  readonly ended: string | undefined;
}

/** Pure: what a user with a session in an instance must know of its end. Undefined: the instance stays. */
export function comingEnd(facts: ComingEndFacts): ComingEnd | undefined {
  const notice = noticeOf(facts);
  return notice === undefined ? undefined : { notice, ended: endedBecause(facts) };
}

function noticeOf(facts: ComingEndFacts): string | undefined {
  const { instance, release, desired, latest, bakeMs } = facts;
  const old = `${instance} of v${String(release)}`;
  const next = latest === undefined ? '' : `v${String(latest.version)}`;
  if (desired === 'standby')
    return `${next} serves now. This session is in ${old}, which ends in about ${formatDuration(bakeMs)}.`;
  if (desired !== 'run') return `${old} is being stopped, so this session ends within a minute.`;
  if (isReplaced(facts))
    return `${next} is being deployed. This session is in ${old}, which ends about ${formatDuration(bakeMs)} after ${next} serves.`;
  return moveNotice(facts);
}

function moveNotice({ instance, node, copy, drainUntilMs }: ComingEndFacts): string | undefined {
  if (copy?.reason === 'restart')
    return `${instance} is being restarted on ${copy.node}. This session ends when the new instance is live.`;
  if (copy !== undefined)
    return `${instance} moves from ${node} to ${copy.node}, because ${moveCause(node, copy.reason)}. This session ends when ${instance} is live there.`;
  if (drainUntilMs === undefined) return undefined;
  return `${node} is being drained until ${clockTime(drainUntilMs)} at the latest. This session ends when ${instance} has moved to another node.`;
}

function endedBecause(facts: ComingEndFacts): string | undefined {
  const { instance, release, node, copy, drainUntilMs, latest } = facts;
  if (isReplaced(facts) && latest !== undefined)
    return `v${String(latest.version)} has replaced v${String(release)}. This session was in ${instance} of v${String(release)} and ended with it.`;
  if (copy?.reason === 'restart')
    return `${instance} was restarted. This session was in the former instance and ended with it.`;
  if (copy !== undefined)
    return `${instance} has moved from ${node} to ${copy.node}, because ${moveCause(node, copy.reason)}. This session was in the former instance and ended with it.`;
  if (drainUntilMs === undefined) return undefined;
  return `${instance} on ${node} has ended, because ${node} is being drained. This session ended with it.`;
}

function moveCause(node: string, reason: MoveReason | undefined): string {
  if (reason === 'drain') return `${node} is being drained`;
  return reason === 'rebalance' ? 'the fleet is being rebalanced' : `${node} was silent for too long`;
}

/** A release that failed replaces nothing, and one that is pending may still fail in its release command. */
function isReplaced({ release, latest }: ComingEndFacts): boolean {
  return (
    latest !== undefined && latest.version > release && (latest.state === 'deploying' || latest.state === 'current')
  );
}
