import { status as Status } from '@grpc/grpc-js';
import type { NodeId } from '../../shared/domain/ids.ts';
import type { AgentSession } from './agent-session.ts';

/** One in use, one that takes over, and some that a broken network has left behind. */
const MAX_PER_NODE = 4;

/** Every open session, those that have not said Hello included; bounded per node, found by node. */
export class OpenSessions {
  readonly #byNode = new Map<NodeId, Set<AgentSession>>();

  /** The oldest of a node that has too many gives way. */
  add(session: AgentSession): void {
    const own = this.#byNode.get(session.nodeId) ?? new Set();
    this.#byNode.set(session.nodeId, own.add(session));
    const [oldest] = own;
    if (own.size <= MAX_PER_NODE || oldest === undefined) return;
    session.complain('session.too_many');
    oldest.end(Status.RESOURCE_EXHAUSTED, 'This node has too many open sessions.');
  }

  remove(session: AgentSession): void {
    const own = this.#byNode.get(session.nodeId);
    own?.delete(session);
    if (own?.size === 0) this.#byNode.delete(session.nodeId);
  }

  of(node: NodeId): readonly AgentSession[] {
    return [...(this.#byNode.get(node) ?? [])];
  }

  all(): readonly AgentSession[] {
    return [...this.#byNode.values()].flatMap((own) => [...own]);
  }
}
