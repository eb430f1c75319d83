import type { NodeId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { AgentSession } from './agent-session.ts';
import type { LiveNodeState, NodeRegistry } from './node-registry.ts';

/** One caller that waits until every node serves a version. */
interface Waiting {
  readonly version: number;
  readonly late: Set<NodeId>;
  readonly over: AbortController;
}

/**
 * If an instance stops before a proxy has the new route, requests of that proxy fail. So a silent node is waited for until it counts as
 * unreachable, because it may only be busy. A connected node that needs longer than this has another fault, and the wait ends.
 */
export const ROUTES_APPLIED_TIMEOUT_MS = 60_000;

/** Lets callers wait until every node serves a version of the route table. */
export class RouteWaits {
  readonly #registry: Pick<NodeRegistry, 'all' | 'get'>;
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();

  constructor(deps: { readonly registry: Pick<NodeRegistry, 'all' | 'get'>; readonly clock: Clock }) {
    this.#registry = deps.registry;
    this.#clock = deps.clock;
  }

  /** @returns the nodes that did not apply the version in time. Nothing waits for them again until they serve the newest version. */
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

  /** A node has applied or refused a version. */
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

/** The node serves an older table, as far as known. A node without a session serves requests too, until it counts as unreachable. */
function isLate({ state, session, facts, routes }: LiveNodeState, version: number): boolean {
  if (routes.late) return false;
  if (session !== undefined) {
    const takes = session.hello?.takesFleetRoutes === true && session.routes.refusedReason === undefined;
    return takes && session.routes.applied < version;
  }
  return state === 'ready' && (facts.meshAddress ?? '') !== '' && routes.applied < version;
}
