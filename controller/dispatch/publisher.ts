import { status as Status } from '@grpc/grpc-js';
import type { DesiredState } from '../../shared/domain/assignment.ts';
import type { NodeId } from '../../shared/domain/ids.ts';
import type { AgentSession } from './agent-session.ts';

export interface PublisherDeps {
  readonly session: (node: NodeId) => AgentSession | undefined;
  /** `undefined`: the node was removed. */
  readonly read: (node: NodeId) => Promise<DesiredState | undefined>;
  readonly onSent: (session: AgentSession, state: DesiredState) => void;
}

/**
 * Sends whole desired states, one at a time per node; calls that come meanwhile share the next one. A slow node holds
 * at most one unsent state and keeps nobody waiting: its next state is read when its stream takes more.
 */
export class Publisher {
  readonly #deps: PublisherDeps;
  readonly #sending = new Map<NodeId, Promise<void>>();
  readonly #next = new Map<NodeId, Promise<void>>();
  /** Sessions whose stream is full → whether something was published meanwhile. */
  readonly #full = new Map<AgentSession, boolean>();

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
  }

  /** Resolves when a state read after this call has been handed to the stream, or there is no stream that takes it. */
  publish(node: NodeId): Promise<void> {
    const waiting = this.#next.get(node);
    if (waiting !== undefined) return waiting;
    const sending = this.#sending.get(node);
    if (sending === undefined) return this.#begin(node);
    const next = sending
      .catch(() => undefined)
      .then(() => {
        this.#next.delete(node);
        return this.#begin(node);
      });
    this.#next.set(node, next);
    return next;
  }

  #begin(node: NodeId): Promise<void> {
    const sending = this.#send(node).finally(() => {
      if (this.#sending.get(node) === sending) this.#sending.delete(node);
    });
    this.#sending.set(node, sending);
    return sending;
  }

  async #send(node: NodeId): Promise<void> {
    const session = this.#deps.session(node);
    if (session === undefined) return;
    if (this.#full.has(session)) {
      this.#full.set(session, true);
      return;
    }
    const state = await this.#deps.read(node);
    if (state === undefined) {
      session.end(Status.UNAUTHENTICATED, 'This node was removed from the fleet.');
      return;
    }
    if (state.generation === session.sentGeneration) return;
    session.sentGeneration = state.generation;
    this.#deps.onSent(session, state);
    session.send({ kind: 'desired', state });
    void this.#watchDrain(node, session);
  }

  async #watchDrain(node: NodeId, session: AgentSession): Promise<void> {
    this.#full.set(session, false);
    await session.drained();
    const missed = this.#full.get(session) === true;
    this.#full.delete(session);
    if (missed && session.open) await this.publish(node).catch(() => undefined);
  }
}
