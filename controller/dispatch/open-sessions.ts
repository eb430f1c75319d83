import { status as Status } from '@grpc/grpc-js';
import type { NodeId } from '../../shared/domain/ids.ts';
import type { AgentSession } from './agent-session.ts';

/** The session in use, its successor, and some that a broken network did not end. */
const MAX_PER_NODE = 4;

/** Every open session by node, including those that have not sent Hello. The number of sessions of one node is bounded. */
export class OpenSessions {
  readonly #sessions = new Map<NodeId, Set<AgentSession>>();

  /** Ends the oldest session of a node that has too many. */
  add(session: AgentSession): void {
    const own = this.#sessions.get(session.nodeId) ?? new Set();
    this.#sessions.set(session.nodeId, own.add(session));
    const [oldest] = own;
    if (own.size <= MAX_PER_NODE || oldest === undefined) return;
    session.warnOnce('session.too_many');
    oldest.end(Status.RESOURCE_EXHAUSTED, 'This node has too many open sessions.');
  }

  remove(session: AgentSession): void {
    const own = this.#sessions.get(session.nodeId);
    own?.delete(session);
    if (own?.size === 0) this.#sessions.delete(session.nodeId);
  }

  byNode(node: NodeId): readonly AgentSession[] {
    return [...(this.#sessions.get(node) ?? [])];
  }

  all(): readonly AgentSession[] {
    return [...this.#sessions.values()].flatMap((own) => [...own]);
  }
}
