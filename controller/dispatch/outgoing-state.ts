import type { Assignment, DesiredState } from '../../shared/domain/assignment.ts';
import type { InstanceId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import type { Desired, Hello } from '../../shared/rpc/messages.ts';
import { MAX_MESSAGE_BYTES } from '../../shared/rpc/service.ts';
import { DESTROYED_PER_NODE_MAX } from '../domain/destroyed-apps.ts';
import { wholeStateBytes, withholdLargest } from './withhold.ts';

/** The part of the desired state that is sent to a node. */
export interface OutgoingState {
  /** Undefined when nothing is sent, because the whole state is too large for an older agent. */
  readonly message?: Desired | undefined;
  /** Why the node keeps its last state. */
  readonly reason?: Reason | undefined;
  /** The instances whose release was left out, with the reason of each. */
  readonly withheld: ReadonlyMap<InstanceId, Reason>;
}

/** Pure: the part of a desired state that fits into one message, in the form that the agent can read. */
export function outgoingState(
  whole: DesiredState,
  hello: Pick<Hello, 'takesReleases' | 'takesDestroyed' | 'checkProbes'> | undefined,
): OutgoingState {
  const state = withKnownChecks(withStopReason(whole, hello?.takesDestroyed === true), hello?.checkProbes ?? []);
  const { state: fitting, reasons } = withholdLargest(state, MAX_MESSAGE_BYTES);
  if (hello?.takesReleases === true) return { message: { kind: 'desired', state: fitting }, withheld: reasons };
  const bytes = wholeStateBytes(state);
  if (bytes <= MAX_MESSAGE_BYTES) return { message: { kind: 'desired', state, whole: true }, withheld: new Map() };
  return { reason: tooLargeForOldAgent(state, bytes), withheld: new Map() };
}

/** An agent refuses a state with a probe that it does not know. */
function withKnownChecks(state: DesiredState, probes: readonly string[]): DesiredState {
  const known = ({ checks, ...assignment }: Assignment): Assignment => {
    const left = checks?.filter(({ probe }) => probes.includes(probe)) ?? [];
    return left.length === 0 ? assignment : { ...assignment, checks: left };
  };
  return { ...state, assignments: state.assignments.map(known) };
}

/** An agent stops many instances only when the state gives a reason. A complete list of destroyed apps is a reason, if the agent reads that list. */
function withStopReason(state: DesiredState, takesDestroyed: boolean): DesiredState {
  const { destroyed = [], massStopReason } = state;
  if (destroyed.length === 0 || (takesDestroyed && destroyed.length < DESTROYED_PER_NODE_MAX)) return state;
  const reason = `${String(destroyed.length)} apps or more were destroyed`;
  return { ...state, massStopReason: massStopReason === '' ? reason : `${massStopReason}, ${reason}` };
}

function tooLargeForOldAgent(state: DesiredState, bytes: number): Reason {
  const apps = [...Map.groupBy(state.assignments, ({ app }) => app)].map(([app, assignments]) => {
    return { app, bytes: wholeStateBytes({ ...state, routes: [], assignments }) };
  });
  const [largest] = apps.sort((a, b) => b.bytes - a.bytes || (a.app < b.app ? -1 : 1));
  return {
    code: 'SLIP_DISPATCH_SIZE',
    message: `The desired state of this node has ${String(bytes)} bytes (${largest?.app ?? 'one app'}: ${String(largest?.bytes ?? 0)}). Its agent accepts ${String(MAX_MESSAGE_BYTES)}.`,
    hint: 'slipway nodes:upgrade',
  };
}
