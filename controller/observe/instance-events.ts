import { instanceName } from '../../shared/domain/assignment.ts';
import { nodeActor, type NewEvent } from '../../shared/domain/event.ts';
import type { InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { InstanceState, InstanceStatus } from '../../shared/domain/instance.ts';
import { canReach, INSTANCE_STATES } from '../../shared/domain/states.ts';
import { DISK_LOW_BYTES } from './disk-low.ts';
import { FloodGuard, type FloodDeps } from './flood-guard.ts';
import type { NodeObserver } from '../dispatch/node-registry.ts';
import type { Store } from '../store/port.ts';

interface Deps extends FloodDeps {
  readonly store: Pick<Store, 'addEvent' | 'assignmentsOfNode' | 'appById'>;
}

/** High enough for a node with many apps that all fail together. */
const PER_MINUTE = 120;

/** The first word of the news that an instance is not ready, and the news that it is ready again. */
const [UNREADY, READY] = ['unready', 'ready'];

interface Where {
  readonly app: string;
  readonly node: string;
  /** `web.1` */
  readonly instance: string;
}

type Node = Parameters<NodeObserver['report']>[0];

/** Writes events for news in the reports of agents: a crash, an OOM kill, a failed health check, a full disk. */
export class FleetObserver implements NodeObserver {
  readonly #deps: Deps;
  /** The last reported news of each instance. */
  readonly #told = new Map<InstanceId, string>();
  readonly #states = new Map<InstanceId, InstanceState>();
  readonly #lowOnDisk = new Set<NodeId>();
  readonly #guard: FloodGuard;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#guard = new FloodGuard(PER_MINUTE, deps);
  }

  report(node: Node, statuses: readonly InstanceStatus[], complete: boolean): void {
    for (const status of statuses) this.#checkState(node, status, complete);
    const news = statuses.filter((status) => this.#isNews(status, complete) && this.#guard.allows(node.name));
    if (news.length > 0) void this.#tell(node, news);
  }

  heartbeat(node: Node, diskFreeBytes: number): void {
    const low = this.#lowOnDisk.has(node.id);
    if (!low && diskFreeBytes < DISK_LOW_BYTES) {
      this.#lowOnDisk.add(node.id);
      if (!this.#guard.allows(node.name)) return;
      const message = `Node ${node.name} has ${String(Math.round(diskFreeBytes / 1024 / 1024))} MB of disk left.`;
      void this.#add({
        kind: 'node.disk-low',
        actor: nodeActor(node.name),
        node: node.name,
        message,
        next: `slipway why ${node.name}`,
      });
    }
    if (low && diskFreeBytes > 2 * DISK_LOW_BYTES) this.#lowOnDisk.delete(node.id);
  }

  /** A change that the state table does not allow is a bug of the agent. */
  #checkState(node: Node, { instanceId, state }: InstanceStatus, complete: boolean): void {
    const before = complete ? undefined : this.#states.get(instanceId);
    if (state === 'stopped') this.#states.delete(instanceId);
    else this.#states.set(instanceId, state);
    if (before === undefined || before === state || canReach(INSTANCE_STATES, before, state)) return;
    this.#deps.log.error({ node: node.name, instanceId, from: before, to: state }, 'instance.illegal_transition');
  }

  /** @param complete the first report of a session. It repeats old news, so an instance that is not known yet gets no event */
  #isNews(status: InstanceStatus, complete: boolean): boolean {
    const before = this.#told.get(status.instanceId);
    const said = newsOf(status) ?? readyAgain(status, before);
    if (status.state === 'stopped') this.#told.delete(status.instanceId);
    else if (said !== undefined || before === undefined) this.#told.set(status.instanceId, said ?? '');
    return said !== undefined && said !== before && !(complete && before === undefined);
  }

  async #tell(node: Node, news: readonly InstanceStatus[]): Promise<void> {
    try {
      const rows = new Map((await this.#deps.store.assignmentsOfNode(node.id)).map((row) => [row.instanceId, row]));
      for (const status of news) {
        const row = rows.get(status.instanceId);
        const app = row === undefined ? undefined : await this.#deps.store.appById(row.appId);
        if (row === undefined || app === undefined) continue;
        await this.#deps.store.addEvent(
          eventOfStatus(status, { app: app.name, node: node.name, instance: instanceName(row) }),
        );
      }
    } catch (error) {
      this.#deps.log.error({ node: node.name, err: error }, 'event.lost');
    }
  }

  async #add(event: NewEvent): Promise<void> {
    await this.#deps.store.addEvent(event).catch((error: unknown) => {
      this.#deps.log.error({ kind: event.kind, err: error }, 'event.lost');
    });
  }
}

/** The news in a status, as a text that changes with the news. A requested stop is no news. */
export function newsOf(status: InstanceStatus): string | undefined {
  const { state, reason, lastExit, checks = [] } = status;
  if (state === 'stopping' || state === 'stopped' || reason === undefined) return undefined;
  const failedAt = checks.find(({ passed }) => !passed)?.sinceMs ?? 0;
  if (isUnready(status)) return `${UNREADY} ${reason.code} ${String(failedAt)}`;
  return `${reason.code} ${String(lastExit?.atMs ?? 0)}`;
}

export function eventOfStatus(status: InstanceStatus, where: Where): NewEvent {
  const { reason, restarts, nextStartAtMs } = status;
  const good = status.ready === true ? `${where.instance} gets requests again: its health checks pass.` : undefined;
  return {
    kind: kindOf(status),
    actor: nodeActor(where.node),
    ...where,
    message: reason?.message ?? good ?? `${where.instance} ended.`,
    next: `slipway why ${where.instance} -a ${where.app}`,
    details: {
      state: status.state,
      restarts,
      ...(reason === undefined ? {} : { code: reason.code }),
      ...(nextStartAtMs === undefined ? {} : { nextStartAtMs }),
    },
  };
}

function readyAgain({ ready }: InstanceStatus, before: string | undefined): string | undefined {
  return before?.startsWith(UNREADY) === true && ready === true ? READY : undefined;
}

/** It runs, but no proxy sends it requests. */
function isUnready({ state, ready }: InstanceStatus): boolean {
  return state === 'live' && ready === false;
}

function kindOf(status: InstanceStatus): string {
  if (isUnready(status)) return 'instance.unready';
  return status.ready === true && status.reason === undefined ? 'instance.ready' : kindOfTrouble(status);
}

function kindOfTrouble({ state, reason, lastExit }: InstanceStatus): string {
  if (reason?.code === 'SLIP_DISK_FULL') return 'node.disk-full';
  if (reason?.code === 'SLIP_APP_OUT_OF_MEMORY' || lastExit?.oomKilled === true) return 'instance.oom';
  if (lastExit !== undefined) return 'instance.crashed';
  return state === 'failed' ? 'instance.failed' : 'instance.stuck';
}
