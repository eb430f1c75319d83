import { instanceName } from '../../shared/domain/assignment.ts';
import type { AppId, InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Fleet } from '../dispatch/port.ts';
import { appShape, planNodes } from '../assignments/planner-inputs.ts';
import { replaceInstances } from '../assignments/replace-instances.ts';
import { placedInstance } from '../schedule/demands.ts';
import { planRebalance, type Move, type PlacedInstance } from '../schedule/moves.ts';
import { noteEvent } from '../store/note-event.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { Store } from '../store/port.ts';

export interface RebalanceDeps {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly queue: KeyedQueue;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newInstanceId: () => InstanceId;
  readonly wake: (appId: AppId) => void;
  readonly signal: AbortSignal;
}

/** One move, as the API shows it. */
export interface PlannedMove {
  readonly app: string;
  readonly instance: string;
  readonly from: string;
  readonly to: string;
  readonly state: 'planned' | 'moving' | 'moved' | 'stayed';
}

const CHECK_MS = 500;
const MOVE_TIMEOUT_MS = 5 * 60_000;

/**
 * Rebalances the fleet when an operator asks for it, one move at a time. The new instance starts first, and the mover stops the old
 * one. After a restart, the controller makes a new plan from what runs then.
 */
export class Rebalance {
  readonly #deps: RebalanceDeps;
  #moves: PlannedMove[] = [];
  #running = false;

  constructor(deps: RebalanceDeps) {
    this.#deps = deps;
  }

  get running(): boolean {
    return this.#running;
  }

  /** The moves of the running rebalance, or of the last one. */
  get progress(): readonly PlannedMove[] {
    return this.#moves;
  }

  async plan(): Promise<readonly PlannedMove[]> {
    return await this.#describe(await this.#plan());
  }

  /** Starts a rebalance. Returns its moves. @throws SLIP_REBALANCE_RUNNING */
  async start(actor: string): Promise<readonly PlannedMove[]> {
    if (this.#running) throw alreadyRunning();
    this.#running = true;
    try {
      await this.#begin(actor, (count) => `The rebalance has started: ${moves(count)}.`);
    } catch (error) {
      this.#running = false;
      throw error;
    }
    return this.#moves;
  }

  /** Continues a rebalance that was running before a restart of the controller. Never rejects. */
  async resume(): Promise<void> {
    try {
      const actor = await this.#deps.store.rebalanceBy();
      if (actor === undefined || this.#running) return;
      this.#running = true;
      await this.#begin(
        actor,
        (count) => `The rebalance continues after a restart of the controller: ${moves(count)}.`,
      );
    } catch (error) {
      this.#running = false;
      if (!this.#deps.signal.aborted) this.#deps.log.error({ err: error }, 'rebalance.failed');
    }
  }

  async #begin(actor: string, message: (count: number) => string): Promise<void> {
    const planned = await this.#plan();
    this.#moves = [...(await this.#describe(planned))];
    await this.#deps.store.setRebalanceBy(planned.length === 0 ? undefined : actor);
    if (planned.length > 0) this.#note(actor, 'fleet.rebalanced', message(planned.length));
    void this.#makeMoves(planned, actor);
  }

  #note(actor: string, kind: string, message: string): void {
    noteEvent(this.#deps, { kind, actor, message, next: 'slipway nodes' });
  }

  async #plan(): Promise<readonly Move[]> {
    const { store, fleet } = this.#deps;
    return planRebalance({ instances: await this.#instances(), nodes: await planNodes(store, fleet) });
  }

  async #instances(): Promise<readonly PlacedInstance[]> {
    const { store } = this.#deps;
    const placed: PlacedInstance[] = [];
    for (const app of await store.deployedApps()) {
      const release = await store.currentRelease(app.id);
      if (release === undefined) continue;
      const shape = await appShape(store, app.id, release.slug);
      const rows = (await store.assignmentsOfApp(app.id)).filter(
        (row) => row.release === release.version && row.desired === 'run',
      );
      // For a running move the new instance counts, because it will stay.
      const replaced = new Set(rows.map((row) => row.replaces));
      placed.push(...rows.filter((row) => !replaced.has(row.instanceId)).map((row) => placedInstance(shape, row)));
    }
    return placed;
  }

  async #describe(moves: readonly Move[]): Promise<readonly PlannedMove[]> {
    const { store, fleet } = this.#deps;
    const apps = new Map((await store.deployedApps()).map((app) => [app.id, app.name as string]));
    const nameOf = (nodeId: NodeId): string => fleet.node(nodeId)?.name ?? 'a removed node';
    return moves.map(({ instance, to }) => ({
      app: apps.get(instance.appId) ?? '',
      instance: `${instance.processType}.${String(instance.ordinal)}`,
      from: nameOf(instance.nodeId),
      to: nameOf(to),
      state: 'planned',
    }));
  }

  async #makeMoves(planned: readonly Move[], actor: string): Promise<void> {
    const { signal, store, log } = this.#deps;
    for (const [at, move] of planned.entries()) {
      this.#setState(at, 'moving');
      const moved = await this.#move(move).catch((error: unknown) => {
        if (!signal.aborted) log.error({ err: error }, 'rebalance.failed');
        return false;
      });
      if (signal.aborted) return; // the next start continues
      this.#setState(at, moved ? 'moved' : 'stayed');
    }
    const made = this.#moves.filter(({ state }) => state === 'moved').length;
    if (planned.length > 0)
      this.#note(
        actor,
        'fleet.rebalance-ended',
        `The rebalance has ended: it made ${moves(made)} of ${String(planned.length)}.`,
      );
    await store.setRebalanceBy(undefined).catch((error: unknown) => {
      log.error({ err: error }, 'rebalance.failed');
    });
    this.#running = false;
  }

  #setState(at: number, state: PlannedMove['state']): void {
    this.#moves = this.#moves.map((move, index) => (index === at ? { ...move, state } : move));
  }

  async #move(move: Move): Promise<boolean> {
    const row = await this.#deps.queue.enqueue(move.instance.appId, () => this.#copy(move));
    return row !== undefined && (await this.#hasMoved(row));
  }

  /** Adds the new instance. Undefined if the app or the node has changed since the plan. */
  async #copy({ instance, to }: Move): Promise<AssignmentRow | undefined> {
    const { store, fleet, clock, log, newInstanceId, wake } = this.#deps;
    const rows = await store.assignmentsOfApp(instance.appId);
    const old = rows.find((row) => row.instanceId === instance.instanceId);
    const target = fleet.node(to);
    const current = await store.currentRelease(instance.appId);
    const stale =
      old?.desired !== 'run' || old.release !== current?.version || rows.some((row) => row.replaces === old.instanceId);
    if (stale || target?.connected !== true || target.cordoned) return undefined;
    const row: AssignmentRow = {
      ...old,
      instanceId: newInstanceId(),
      nodeId: to,
      createdAtMs: clock.nowMs(),
      replaces: old.instanceId,
      moveReason: 'rebalance',
    };
    await replaceInstances(this.#deps, { appId: row.appId, signal: this.#deps.signal, add: [row] });
    log.info({ instance: instanceName(row), node: target.name }, 'movement.rebalancing');
    wake(instance.appId);
    return row;
  }

  /** Waits until only one of both instances is wanted. True: the new one. */
  async #hasMoved(copy: AssignmentRow): Promise<boolean> {
    const { store, clock, signal } = this.#deps;
    const untilMs = clock.monotonicMs() + MOVE_TIMEOUT_MS;
    const isWanted = (rows: readonly AssignmentRow[], id: InstanceId | undefined): boolean =>
      rows.some((row) => row.instanceId === id && row.desired === 'run');
    while (clock.monotonicMs() < untilMs) {
      const rows = await store.assignmentsOfApp(copy.appId);
      if (!isWanted(rows, copy.instanceId)) return false;
      if (!isWanted(rows, copy.replaces)) return true;
      await clock.sleep(CHECK_MS, signal);
    }
    return false;
  }
}

function moves(count: number): string {
  return `${String(count)} move${count === 1 ? '' : 's'}`;
}

function alreadyRunning(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_REBALANCE_RUNNING',
    kind: 'conflict',
    message: 'A rebalance is already running.',
    hint: 'See how far it is with: slipway rebalance',
  });
}
