import { status as Status } from '@grpc/grpc-js';
import type { DesiredState } from '../../shared/domain/assignment.ts';
import type { NodeId } from '../../shared/domain/ids.ts';
import type { AgentSession } from './agent-session.ts';
import { destroyedFor } from './destroyed-apps.ts';
import { outgoingState, type OutgoingState } from './outgoing-state.ts';
import type { DesiredOf } from './read-desired.ts';

export interface PublisherDeps {
  readonly session: (node: NodeId) => AgentSession | undefined;
  readonly read: (nodes: readonly NodeId[]) => Promise<DesiredOf>;
  readonly onSent: (session: AgentSession, state: DesiredState, outgoing: OutgoingState) => void;
}

/** Nodes that are read together: enough to share what a look costs, few enough for the event loop to turn in between. */
const AT_ONCE = 50;

type Waiting = PromiseWithResolvers<undefined>;

/**
 * Sends whole desired states. What is asked for while others are being read is read together next, so that a change of
 * the whole fleet costs some looks instead of one a node. A slow node holds at most one unsent state and keeps nobody waiting:
 * its next state is read when its stream takes more.
 */
export class Publisher {
  readonly #deps: PublisherDeps;
  readonly #wanted = new Map<NodeId, Waiting>();
  /** Sessions whose stream is full → whether something was published meanwhile. */
  readonly #full = new Map<AgentSession, boolean>();
  #running = false;

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
  }

  /** Resolves when a state read after this call has been handed to the stream, or there is no stream that takes it. */
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
    await Promise.resolve(); // what is asked for in the same breath goes together
    while (this.#wanted.size > 0) {
      const turn = new Map(this.#wanted.entries().take(AT_ONCE));
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

  /** The stream that takes a state now. */
  #ready(node: NodeId): AgentSession | undefined {
    const session = this.#deps.session(node);
    if (session === undefined || !this.#full.has(session)) return session;
    this.#full.set(session, true);
    return undefined;
  }

  /** The rows of one node may be wrong; the others get theirs. */
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
