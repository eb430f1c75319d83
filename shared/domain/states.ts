import { SlipwayError } from '../kit/errors.ts';
import type { InstanceState } from './instance.ts';

/** Explicit state machines: from → the states it may go to. An empty list is terminal. */
export type StateTable<S extends string> = Readonly<Record<S, readonly S[]>>;

export type BuildState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
export type ReleaseState = 'pending' | 'deploying' | 'current' | 'superseded' | 'failed';
export type TaskState = 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled';
/** Of the certificate of one name, from its need to its renewal. */
export type OrderState =
  | 'needed'
  | 'checking'
  | 'ordered'
  | 'presenting'
  | 'propagating'
  | 'answering'
  | 'validating'
  | 'finalizing'
  | 'issued'
  | 'delivering'
  | 'serving'
  | 'waiting'
  | 'blocked';
/** Of a certificate that a CA gave. `replacing`: it is revoked when its successor is served. */
export type IssuedState = 'valid' | 'replacing' | 'revoking' | 'revoked';
export type NodeState = 'joined' | 'ready' | 'unreachable' | 'removed';

export const BUILD_STATES: StateTable<BuildState> = {
  queued: ['running', 'failed', 'cancelled'],
  running: ['succeeded', 'failed', 'cancelled'],
  succeeded: [],
  failed: [],
  cancelled: [],
};

/** `pending` is recorded and not sent yet. */
export const TASK_STATES: StateTable<TaskState> = {
  pending: ['running', 'failed', 'cancelled'],
  running: ['succeeded', 'failed', 'cancelled'],
  succeeded: [],
  failed: [],
  cancelled: [],
};

/** `current → failed` is the automatic rollback during bake; `superseded → current` is the other half of it. */
export const RELEASE_STATES: StateTable<ReleaseState> = {
  pending: ['deploying', 'failed'],
  deploying: ['current', 'failed'],
  current: ['superseded', 'failed'],
  superseded: ['current'],
  failed: [],
};

export const NODE_STATES: StateTable<NodeState> = {
  joined: ['ready', 'removed'],
  ready: ['unreachable', 'removed'],
  unreachable: ['ready', 'removed'],
  removed: [],
};

/**
 * A certificate from an ACME CA. Each state names the next step, so a restart goes on where it was. `waiting`: until a time, then on with the
 * state before it. `blocked`: somebody must act; it is looked at again from time to time. To `needed` from `serving` or `delivering`: a renewal.
 * `presenting`, `propagating`: only by DNS-01; the TXT record is added, and the name servers are asked for it.
 */
export const ORDER_STATES: StateTable<OrderState> = {
  needed: ['checking'],
  checking: ['ordered', 'waiting', 'blocked'],
  ordered: ['presenting', 'answering', 'finalizing', 'waiting', 'blocked'],
  presenting: ['propagating', 'waiting', 'blocked'],
  propagating: ['answering', 'waiting', 'blocked'],
  answering: ['validating', 'waiting', 'blocked'],
  validating: ['finalizing', 'waiting', 'blocked'],
  finalizing: ['issued', 'waiting', 'blocked'],
  issued: ['delivering', 'waiting', 'blocked'],
  delivering: ['serving', 'needed'],
  serving: ['needed'],
  waiting: [
    ...(['needed', 'checking', 'ordered', 'presenting', 'propagating', 'answering'] as const),
    ...(['validating', 'finalizing', 'issued'] as const),
  ],
  blocked: ['needed'],
};

/** A certificate that a CA gave, until it ends. `revoking`: the CA is asked until it has revoked the certificate. */
export const ISSUED_STATES: StateTable<IssuedState> = {
  valid: ['replacing', 'revoking'],
  replacing: ['revoking'],
  revoking: ['revoked'],
  revoked: [],
};

/**
 * As an agent observes an instance. To `pending`: a step failed and waits for its next try, or an ended process is about to be restarted.
 * `live → starting`: the proxy has no route to it, or its sandbox disappeared. To `fetching` from `starting` or `live`: a restarted agent has
 * to check the layers again.
 */
export const INSTANCE_STATES: StateTable<InstanceState> = {
  pending: ['fetching', 'starting', 'stopping', 'stopped', 'failed'],
  fetching: ['pending', 'starting', 'stopping', 'stopped', 'failed'],
  starting: ['pending', 'fetching', 'live', 'backoff', 'stopping', 'stopped', 'failed'],
  live: ['pending', 'fetching', 'starting', 'backoff', 'stopping', 'stopped'],
  backoff: ['pending', 'fetching', 'starting', 'stopping', 'stopped'],
  stopping: ['stopped'],
  stopped: [],
  failed: ['stopping', 'stopped'],
};

export function canTransition<S extends string>(table: StateTable<S>, from: S, to: S): boolean {
  return table[from].includes(to);
}

/** One or more steps lead from one state to the other. A report may skip states in between. */
export function canReach<S extends string>(table: StateTable<S>, from: S, to: S): boolean {
  const reached = new Set<S>(table[from]);
  for (const state of reached) for (const next of table[state]) reached.add(next);
  return reached.has(to);
}

/** The new state, or a bug-class error when the table has no such edge. */
export function transition<S extends string>(table: StateTable<S>, from: S, to: S): S {
  if (canTransition(table, from, to)) return to;
  throw new SlipwayError({
    code: 'SLIP_STATE_ILLEGAL',
    kind: 'bug',
    message: `A state cannot go from ${from} to ${to}.`,
  });
}

export function isTerminal<S extends string>(table: StateTable<S>, state: S): boolean {
  return table[state].length === 0;
}
