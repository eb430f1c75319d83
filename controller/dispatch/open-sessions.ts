import { status as Status } from '@grpc/grpc-js';
import type { NodeId } from '../../shared/domain/ids.ts';
import type { AgentSession } from './agent-session.ts';

/** One in use, one that takes over, and some that a broken network has left behind. */
const MAX_PER_NODE = 4;

/** Every open session, those that have not said Hello included; bounded per node, found by node. */
export class OpenSessions {
  readonly #sessions = new Map<NodeId, Set<AgentSession>>();

  /** The oldest of a node that has too many gives way. */
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
