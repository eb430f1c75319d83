import { status as Status } from '@grpc/grpc-js';
import { isDeepStrictEqual } from 'node:util';
import type { NodeId } from '../../shared/domain/ids.ts';
import { Batches } from '../../shared/kit/batches.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { NodeFacts } from '../../shared/domain/node-facts.ts';
import type { PresentNode } from '../domain/nodes.ts';
import type { Store } from '../store/port.ts';
import type { LiveNodeState, NodeRegistry } from './node-registry.ts';
import { silenceLimitMs } from './heartbeat-interval.ts';

export interface LivenessDeps {
  readonly registry: NodeRegistry;
  readonly store: Pick<Store, 'setNodeState' | 'setNodesPresent'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly unreachableAfterMs: number;
  readonly intervalMs: () => number;
  readonly onUnreachable: (node: NodeId) => void;
}

const ARRIVALS_AT_ONCE = 100;

/** Tracks which nodes are connected. Only changes are written to the database, never heartbeats. */
export class Liveness {
  readonly #deps: LivenessDeps;
  /** Nodes that connect at the same time share one commit, because each commit waits for the disk. */
  readonly #arrivals: Batches<PresentNode, undefined>;
  #startedAtMs = 0;

  constructor(deps: LivenessDeps) {
    this.#deps = deps;
    this.#arrivals = new Batches(ARRIVALS_AT_ONCE, async (nodes) => {
      await deps.store.setNodesPresent(nodes);
      return nodes.map(() => undefined);
    });
  }

  /** Watches until the signal aborts. After a start of the controller, nodes get the full time to reconnect. */
  async watch(signal: AbortSignal): Promise<void> {
    this.#startedAtMs = this.#deps.clock.monotonicMs();
    const everyMs = Math.max(50, this.#deps.unreachableAfterMs / 10);
    while (!signal.aborted) {
      await this.#deps.clock.sleep(everyMs, signal).catch(() => undefined);
      for (const node of this.#deps.registry.all()) if (this.#isSilent(node)) await this.#markUnreachable(node, signal);
    }
  }

  async present(node: LiveNodeState, reported: NodeFacts): Promise<void> {
    const facts = keepMachine(reported, node.facts);
    const changed = !isDeepStrictEqual(lasting(node.facts), lasting(facts));
    node.facts = facts;
    if (!changed && node.state === 'ready') return;
    const present = { id: node.id, ...(changed ? { facts: { ...facts } } : {}) };
    if (await this.#store(node, 'presence', () => this.#arrivals.add(present))) node.state = 'ready';
  }

  /** A node whose messages wait for the controller is not silent. The database can be slow when many nodes connect at the same time. */
  #isSilent(node: LiveNodeState): boolean {
    if (node.session?.held === true) return false;
    const seenAtMs = node.session?.lastSeenAtMs ?? node.lastSeenAtMs ?? this.#startedAtMs;
    const limitMs = silenceLimitMs(this.#deps.unreachableAfterMs, this.#deps.intervalMs());
    return this.#deps.clock.monotonicMs() - seenAtMs > limitMs;
  }

  async #markUnreachable(node: LiveNodeState, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    node.session?.end(Status.DEADLINE_EXCEEDED, 'The agent sent no heartbeat in time.');
    if (node.state !== 'ready') return;
    this.#deps.logger.warn({ node: node.name }, 'node.unreachable');
    if (await this.#store(node, 'state', () => this.#deps.store.setNodeState(node.id, 'unreachable')))
      node.state = 'unreachable';
    this.#deps.onUnreachable(node.id);
  }

  /** A failed write does not end the session. The next change is written again. */
  async #store(node: LiveNodeState, what: string, write: () => Promise<unknown>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (error) {
      this.#deps.logger.error({ node: node.name, what, err: error }, 'node.not_stored');
      return false;
    }
  }
}

/** Facts without the free disk space, which changes too often to be stored. */
function lasting(facts: NodeFacts): NodeFacts {
  return { ...facts, diskFreeBytes: 0 };
}

/** An agent that has just started may not have read the facts of its machine yet. */
function keepMachine(facts: NodeFacts, { machine }: NodeFacts): NodeFacts {
  return facts.machine === undefined && machine !== undefined ? { ...facts, machine } : facts;
}
