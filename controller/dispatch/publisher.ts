import { status as Status } from '@grpc/grpc-js';
import type { DesiredState } from '../../shared/domain/assignment.ts';
import type { NodeId } from '../../shared/domain/ids.ts';
import type { AgentSession } from './agent-session.ts';
import { destroyedFor } from './destroyed-apps.ts';
import { outgoingState, type OutgoingState } from './outgoing-state.ts';
import type { ReadState } from './read-desired.ts';

export interface PublisherDeps {
  readonly session: (node: NodeId) => AgentSession | undefined;
  readonly read: (nodes: readonly NodeId[]) => Promise<ReadState>;
  readonly onSent: (session: AgentSession, state: DesiredState, outgoing: OutgoingState) => void;
}

/** How many nodes share one read of the database. A larger batch would block the event loop for too long. */
const BATCH_SIZE = 50;

type Waiting = PromiseWithResolvers<undefined>;

/**
 * Sends whole desired states. Requests that arrive during a read are answered by the next read together, so that a change of the whole
 * fleet needs few reads. A slow node has at most one unsent state and delays no other node: its next state is read when its stream has
 * drained.
 */
export class Publisher {
  readonly #deps: PublisherDeps;
  readonly #wanted = new Map<NodeId, Waiting>();
  /** Sessions whose stream is full. The value is true when a state was requested in the meantime. */
  readonly #full = new Map<AgentSession, boolean>();
  #running = false;

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
  }

  /** Resolves when a state that was read after this call is in the stream, or when no stream accepts it. */
  publish(node: NodeId): Promise<undefined> {
    const known = this.#wanted.get(node);
    if (known !== undefined) return known.promise;
    const waiting = Promise.withResolvers<undefined>();
    this.#wanted.set(node, waiting);
    void this.#run();
    return waiting.promise;
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    await Promise.resolve(); // calls of the same event loop turn share one read
    while (this.#wanted.size > 0) {
      const turn = new Map(this.#wanted.entries().take(BATCH_SIZE));
      for (const node of turn.keys()) this.#wanted.delete(node);
      await this.#sendAll(turn);
    }
    this.#running = false;
  }

  async #sendAll(turn: ReadonlyMap<NodeId, Waiting>): Promise<void> {
    const sessions = [...turn.keys()].flatMap((node) => this.#ready(node) ?? []);
    try {
      const stateOf =
        sessions.length === 0 ? undefined : await this.#deps.read(sessions.map((session) => session.nodeId));
      for (const session of sessions)
        this.#settle(turn.get(session.nodeId), () => this.#send(session, stateOf?.(session.nodeId)));
      for (const waiting of turn.values()) waiting.resolve(undefined);
    } catch (error) {
      for (const waiting of turn.values()) waiting.reject(error);
    }
  }

  /** The session of a node whose stream accepts a state now. */
  #ready(node: NodeId): AgentSession | undefined {
    const session = this.#deps.session(node);
    if (session === undefined || !this.#full.has(session)) return session;
    this.#full.set(session, true);
    return undefined;
  }

  /** Wrong rows of one node must not stop the other nodes. */
  #settle(waiting: Waiting | undefined, send: () => void): void {
    try {
      send();
    } catch (error) {
      waiting?.reject(error);
    }
  }

  #send(session: AgentSession, state: DesiredState | undefined): void {
    if (state === undefined) {
      session.end(Status.UNAUTHENTICATED, 'This node was removed from the fleet.');
      return;
    }
    if (state.generation === session.sentGeneration) return;
    session.sentGeneration = state.generation;
    const outgoing = outgoingState(
      { ...state, destroyed: destroyedFor(state.destroyed, session.unknownApps) },
      session.hello,
    );
    this.#deps.onSent(session, state, outgoing);
    if (outgoing.message !== undefined) session.send(outgoing.message);
    void this.#watchDrain(session);
  }

  async #watchDrain(session: AgentSession): Promise<void> {
    this.#full.set(session, false);
    await session.drained();
    const missed = this.#full.get(session) === true;
    this.#full.delete(session);
    if (missed && session.open) await this.publish(session.nodeId).catch(() => undefined);
  }
}
