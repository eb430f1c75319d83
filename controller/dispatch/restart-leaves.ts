import type { InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { SerialQueue } from '../../shared/kit/serial-queue.ts';
import type { Store } from '../store/port.ts';
import type { LiveNodeState, NodeRegistry } from './node-registry.ts';
import { isLeaveOver, nextLeave, wantsRestart, type Leave } from './restart-plan.ts';

export interface RestartLeavesDeps {
  readonly store: Pick<Store, 'runningRows'>;
  readonly registry: Pick<NodeRegistry, 'status' | 'get' | 'all'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Allows restarts after failed liveness checks, one for each process type at a time. An agent sees its own node only, so it asks with its report
 * and waits. The leaves are in memory: a new controller process gives them again.
 */
export class RestartLeaves {
  readonly #deps: RestartLeavesDeps;
  readonly #leaves = new Map<InstanceId, Leave>();
  readonly #queue = new SerialQueue();
  #isQueued = false;

  constructor(deps: RestartLeavesDeps) {
    this.#deps = deps;
  }

  /** Call it after each report and heartbeat of a node. Costs nothing while no instance waits for a restart. */
  reported(node: LiveNodeState): void {
    const isConcerned = [...node.statuses.values()].some(
      (status) => wantsRestart(status) || this.#leaves.has(status.instanceId),
    );
    if (isConcerned) this.#run();
  }

  /** Reports that come during a read are answered by the next read together. */
  #run(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    const work = async (): Promise<void> => {
      this.#isQueued = false;
      await this.#giveAll();
    };
    this.#queue.add(work).catch((error: unknown) => {
      this.#deps.logger.error({ err: error }, 'restarts.not_read');
    });
  }

  async #giveAll(): Promise<void> {
    const { store, registry, clock } = this.#deps;
    const rows = await store.runningRows();
    const nowMs = clock.monotonicMs();
    const statusOf = (instance: InstanceId): ReturnType<NodeRegistry['status']> => registry.status(instance);
    for (const [instance, leave] of this.#leaves)
      if (isLeaveOver({ statusOf, nowMs }, instance, leave)) this.#leaves.delete(instance);
    for (const group of Map.groupBy(rows, (row) => `${row.appId} ${row.processType}`).values()) {
      const nodes = new Map(group.map((row) => [row.instanceId, row.nodeId]));
      const next = nextLeave({ instances: [...nodes.keys()], statusOf, leaves: this.#leaves, nowMs });
      const nodeId = next === undefined ? undefined : nodes.get(next.instance);
      if (next !== undefined && nodeId !== undefined) this.#give(nodeId, next);
    }
  }

  #give(
    nodeId: NodeId,
    { instance, startedAtMs }: { readonly instance: InstanceId; readonly startedAtMs: number },
  ): void {
    const { registry, clock } = this.#deps;
    this.#leaves.set(instance, { startedAtMs, givenAtMs: clock.monotonicMs() });
    registry.get(nodeId)?.session?.send({ kind: 'restartLeave', instanceId: instance, startedAtMs });
  }
}
