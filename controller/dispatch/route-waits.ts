import type { NodeId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { AgentSession } from './agent-session.ts';
import type { LiveNodeState, NodeRegistry } from './node-registry.ts';

/** A caller that waits until the proxy of every node serves a version. */
interface Waiting {
  readonly version: number;
  readonly late: Set<NodeId>;
  readonly over: AbortController;
}

/**
 * An instance that stops before a node's proxy has the new route costs requests there. So a silent node is waited for until it counts as
 * unreachable: silence alone does not tell a busy node from a dead one. A connected node that needs more time than this has another fault, and is not waited for any longer.
 */
export const ROUTES_APPLIED_TIMEOUT_MS = 60_000;

/** The callers that wait for a version of the route table, and the nodes that each of them waits for. */
export class RouteWaits {
  readonly #registry: Pick<NodeRegistry, 'all' | 'get'>;
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();

  constructor(deps: { readonly registry: Pick<NodeRegistry, 'all' | 'get'>; readonly clock: Clock }) {
    this.#registry = deps.registry;
    this.#clock = deps.clock;
  }

  /** @returns the nodes whose proxy did not have the version in time. They are not waited for again until they have caught up. */
  async untilApplied(version: number, signal: AbortSignal): Promise<readonly LiveNodeState[]> {
    const late = new Set([...this.#registry.all()].filter((node) => isLate(node, version)).map((node) => node.id));
    if (late.size === 0) return [];
    const waiting = { version, late, over: new AbortController() };
    this.#waiting.add(waiting);
    const ends = AbortSignal.any([waiting.over.signal, signal]);
    await this.#clock.sleep(ROUTES_APPLIED_TIMEOUT_MS, ends).catch(() => undefined);
    this.#waiting.delete(waiting);
    if (ends.aborted) return [];
    const left = [...late].flatMap((id) => this.#registry.get(id) ?? []);
    for (const node of left) {
      node.routes.late = true;
      this.nodeChanged(node.id);
    }
    return left;
  }

  /** A node has taken over a version, or refused one. */
  answered({ nodeId, routes: { applied } }: AgentSession, newest: number): void {
    const node = this.#registry.get(nodeId);
    if (node === undefined) return;
    node.routes.applied = applied;
    if (applied === newest) node.routes.late = false;
    this.nodeChanged(nodeId);
  }

  /** A node connected, disconnected or answered, or its time is over. */
  nodeChanged(id: NodeId): void {
    if (this.#waiting.size === 0) return;
    const node = this.#registry.get(id);
    for (const { version, late, over } of this.#waiting) {
      if (node !== undefined && isLate(node, version)) late.add(id);
      else late.delete(id);
      if (late.size === 0) over.abort();
    }
  }
}

/** Its proxy serves an older table, as far as we know. A node without a session serves too, until it counts as unreachable. */
function isLate({ state, session, facts, routes }: LiveNodeState, version: number): boolean {
  if (routes.late) return false;
  if (session !== undefined) {
    const takes = session.hello?.takesFleetRoutes === true && session.routes.refusal === undefined;
    return takes && session.routes.applied < version;
  }
  return state === 'ready' && (facts.meshAddress ?? '') !== '' && routes.applied < version;
}
