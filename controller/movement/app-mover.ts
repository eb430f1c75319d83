import { instanceName } from '../../shared/domain/assignment.ts';
import type { AppId, InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { InstanceStatus } from '../../shared/domain/instance.ts';
import { parseProcessType } from '../../shared/domain/names.ts';
import { sayReasons, wantedCounts } from '../../shared/domain/placement.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Fleet, LiveNode } from '../dispatch/port.ts';
import { appShape, planNodes } from '../assignments/planner-inputs.ts';
import { replaceInstances } from '../assignments/replace-instances.ts';
import { demandsOf, limitsOf, placedInstance, type AppShape } from '../schedule/demands.ts';
import { planReplacements } from '../schedule/moves.ts';
import type { PlanNode } from '../schedule/nodes.ts';
import { planPlacements } from '../schedule/plan.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentRow, MoveReason } from '../domain/assignments.ts';
import type { Release } from '../domain/releases.ts';
import type { Store } from '../store/port.ts';
import { MoveEvents, NOWHERE } from './move-events.ts';
import { planMoves, type Ending, type Leaving, type MoverNode, type MoverPlan } from './plan.ts';
import { SlotBackoff } from './slot-backoff.ts';

export interface AppMoverDeps {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly log: Logger;
  readonly newInstanceId: () => InstanceId;
  /** How long a node may be silent before its instances restart on other nodes. An app may have its own value. */
  readonly lostAfterMs: number;
  readonly silentMs: (node: LiveNode) => number;
  readonly signal: AbortSignal;
}

export interface StepResult {
  /** An assignment changed: check again at once. */
  readonly changed: boolean;
  /** The app is not in the wanted state yet: check again later, even without a report. */
  readonly unfinished: boolean;
  /** A voluntary move is running. */
  readonly moving: boolean;
}

const DONE: StepResult = { changed: false, unfinished: false, moving: false };

/** The state of one app at one moment. */
interface AppView {
  readonly app: App;
  readonly release: Release;
  readonly shape: AppShape;
  readonly rows: readonly AssignmentRow[];
  readonly statuses: ReadonlyMap<InstanceId, InstanceStatus>;
  readonly plan: MoverPlan<AssignmentRow>;
  /** A voluntary move may start. */
  readonly mayMove: boolean;
}

/**
 * Takes the next step of an app towards its wanted state: it copies an instance that must leave its node, stops a double or a
 * surplus instance, or places a missing one. Each step is one transaction and reads its state from the database, so a crash
 * between two steps loses nothing. The caller holds the app's queue, so no rollout runs at the same time.
 */
export class AppMover {
  readonly #deps: AppMoverDeps;
  readonly #events: MoveEvents;
  readonly #backoff = new SlotBackoff();
  readonly #blocked = new Map<InstanceId, string>();
  /** For each app: the instances that have no place (`web.2`), and the reason. */
  readonly #placeless = new Map<AppId, ReadonlyMap<string, string>>();

  constructor(deps: AppMoverDeps) {
    this.#deps = deps;
    this.#events = new MoveEvents(deps);
  }

  /** Why an instance that must leave its node is still there. */
  blockedBecause(instanceId: InstanceId): string | undefined {
    return this.#blocked.get(instanceId);
  }

  /** Wanted instances that run on no node, with the reason for each node, at the last check. */
  placeless(appId: AppId): ReadonlyMap<string, string> {
    return this.#placeless.get(appId) ?? new Map();
  }

  async step(appId: AppId, mayMove: boolean): Promise<StepResult> {
    const { store } = this.#deps;
    const [app, release, [latest]] = [
      await store.appById(appId),
      await store.currentRelease(appId),
      await store.releases(appId, 1),
    ];
    if (app === undefined) {
      this.#placeless.delete(appId);
      return DONE;
    }
    const rows = await store.assignmentsOfApp(appId);
    if (isBusy(latest, rows)) return { ...DONE, unfinished: release !== undefined };
    const stray = rows.filter((row) => row.release !== release?.version && row.desired === 'run');
    if (stray.length > 0) return this.#endStray(app, stray);
    if (release === undefined) return DONE;
    return await this.#next(await this.#view({ app, release, rows, mayMove }));
  }

  /** Stops instances of failed or superseded releases. A crash during a switch leaves them. */
  async #endStray(app: App, stray: readonly AssignmentRow[]): Promise<StepResult> {
    const { signal } = this.#deps;
    const recheck = (): readonly AssignmentRow[] => {
      signal.throwIfAborted();
      return stray;
    };
    await replaceInstances(this.#deps, { appId: app.id, signal, remove: stray, recheck });
    return { changed: true, unfinished: true, moving: false };
  }

  async #next(view: AppView): Promise<StepResult> {
    this.#noteStuck(view);
    if (view.plan.ends.length > 0) return this.#end(view);
    const { add, waiting } = view.plan.leaving.length > 0 ? await this.#copies(view) : await this.#missing(view);
    if (add.length > 0) await this.#place(view, add);
    const moving = view.plan.underWay.length > 0 || add.some((row) => row.moveReason === 'drain');
    const unfinished =
      moving || waiting || view.plan.leaving.length + view.plan.last.length > 0 || hasDoubles(view.plan.holding);
    return { changed: add.length > 0, unfinished, moving };
  }

  /** Updates which instances cannot leave their node. */
  #noteStuck({ rows, plan }: AppView): void {
    const leaving = new Set(plan.leaving.map(({ row }) => row));
    for (const row of rows) if (!leaving.has(row)) this.#blocked.delete(row.instanceId);
    for (const row of plan.last)
      this.#blocked.set(row.instanceId, 'it is the last instance that serves, and no other node runs one');
  }

  async #view(state: Pick<AppView, 'app' | 'release' | 'rows' | 'mayMove'>): Promise<AppView> {
    const { store, fleet } = this.#deps;
    const { app, release, rows } = state;
    const shape = await appShape(store, app.id, release.slug);
    const statuses = new Map(rows.flatMap((row) => entryOf(row.instanceId, fleet.status(row.instanceId))));
    const wanted = wantedCounts(release.slug.processTypes, shape.formation);
    const plan = planMoves({ rows, release: release.version, wanted, nodes: this.#nodesOf(app, rows), statuses });
    for (const row of plan.holding)
      if (statuses.get(row.instanceId)?.state === 'live') this.#backoff.succeeded(slotOf(row));
    return { ...state, shape, statuses, plan };
  }

  #nodesOf(app: App, rows: readonly AssignmentRow[]): ReadonlyMap<NodeId, MoverNode> {
    const patienceMs = app.lostAfterMs === 'never' ? Infinity : (app.lostAfterMs ?? this.#deps.lostAfterMs);
    const nodes = [...new Set(rows.map((row) => row.nodeId))].flatMap((nodeId) =>
      entryOf(nodeId, this.#deps.fleet.node(nodeId)),
    );
    return new Map(
      nodes.map(([nodeId, node]) => {
        const lost = node.lost && !node.connected && this.#deps.silentMs(node) >= patienceMs;
        return [nodeId, { connected: node.connected, draining: node.draining, lost }];
      }),
    );
  }

  /** Stop the old instances only after every proxy has the new routes, and only if the new instances still run. */
  async #end(view: AppView): Promise<StepResult> {
    const { app, plan } = view;
    const { store, clock, signal } = this.#deps;
    let now = plan;
    const recheck = async (): Promise<readonly AssignmentRow[]> => {
      signal.throwIfAborted();
      now = (await this.#view(view)).plan;
      return rowsOf(now.ends);
    };
    const rows = await replaceInstances(this.#deps, { appId: app.id, signal, remove: rowsOf(plan.ends), recheck });
    const ends = now.ends.filter((end) => rows.includes(end.row));
    for (const end of ends) {
      if (end.why === 'failed') this.#backoff.failed(slotOf(end.row), end.row.nodeId, clock.monotonicMs());
    }
    await this.#events.ended(app, { ...now, ends }, await store.nodes());
    return { changed: rows.length > 0, unfinished: true, moving: now.underWay.length > 0 };
  }

  /** Places copies of the instances that must leave: all lost ones at once, and one of a voluntary move at a time. */
  async #copies(view: AppView): Promise<{ add: readonly AssignmentRow[]; waiting: boolean }> {
    const { shape, plan } = view;
    const leaving = this.#due(view);
    if (leaving.length === 0) return { add: [], waiting: true };
    const ids = new Set(leaving.map((each) => each.row.instanceId));
    const instances = plan.holding.map((row) => placedInstance(shape, row));
    const nodes = await planNodes(this.#deps.store, this.#deps.fleet);
    const { moves, unplaced } = planReplacements({ instances, leaving: ids, nodes: this.#without(nodes, leaving) });
    for (const { instance, reasons } of unplaced) this.#block(view, instance.instanceId, reasons);
    const add = moves.map(({ instance, to }) => {
      this.#blocked.delete(instance.instanceId);
      const { row, reason } = leaving.find((each) => each.row.instanceId === instance.instanceId) ?? unknownRow();
      return this.#newRow(view, { ...row, nodeId: to, replaces: row.instanceId, moveReason: reason });
    });
    return { add, waiting: true };
  }

  #due({ plan, mayMove }: AppView): readonly Leaving<AssignmentRow>[] {
    const nowMs = this.#deps.clock.monotonicMs();
    const awake = plan.leaving.filter(({ row }) => !this.#backoff.isWaiting(slotOf(row), nowMs));
    const lost = awake.filter(({ reason }) => reason === 'lost');
    if (!mayMove || plan.underWay.length > 0) return lost;
    // An instance without a place lets the next one try: another type may be smaller, or have another placement rule.
    const drained = awake.filter(({ reason }) => reason === 'drain');
    const fresh = drained.filter(({ row }) => !this.#blocked.has(row.instanceId));
    const turn = (fresh.length > 0 ? fresh : drained).slice(0, 1);
    return [...lost, ...turn];
  }

  /** Nodes on which an earlier copy failed are used only if there is no other node. */
  #without(nodes: readonly PlanNode[], leaving: readonly Leaving<AssignmentRow>[]): readonly PlanNode[] {
    const avoided = new Set(leaving.flatMap(({ row }) => [...this.#backoff.nodesToAvoid(slotOf(row))]));
    const others = nodes.filter((node) => !avoided.has(node.nodeId));
    return others.some((node) => node.connected && !node.cordoned) ? others : nodes;
  }

  async #missing(view: AppView): Promise<{ add: readonly AssignmentRow[]; waiting: boolean }> {
    const { shape, plan } = view;
    const nodes = await planNodes(this.#deps.store, this.#deps.fleet);
    const { placements, unplaced } = planPlacements({
      demands: demandsOf(shape),
      nodes,
      placed: plan.holding,
      former: [],
    });
    const nowMs = this.#deps.clock.monotonicMs();
    const due = placements.filter((each) => !this.#backoff.isWaiting(slotOf({ ...each, appId: view.app.id }), nowMs));
    const add = due.map((each) => this.#newRow(view, { ...each, processType: parseProcessType(each.processType) }));
    for (const each of unplaced) this.#events.noPlace(view.app, each);
    const reasons = unplaced.map(
      (each) => [`${each.processType}.${String(each.ordinal)}`, sayReasons(each.reasons, NOWHERE)] as const,
    );
    if (reasons.length > 0) this.#placeless.set(view.app.id, new Map(reasons));
    else this.#placeless.delete(view.app.id);
    return { add, waiting: unplaced.length > 0 || due.length < placements.length };
  }

  #newRow(
    { app, release, shape }: AppView,
    slot: Pick<AssignmentRow, 'processType' | 'ordinal' | 'nodeId'> & {
      replaces?: InstanceId | undefined;
      moveReason?: MoveReason | undefined;
    },
  ): AssignmentRow {
    return {
      instanceId: this.#deps.newInstanceId(),
      nodeId: slot.nodeId,
      appId: app.id,
      release: release.version,
      processType: slot.processType,
      ordinal: slot.ordinal,
      limits: limitsOf(shape.settings, slot.processType),
      desired: 'run',
      createdAtMs: this.#deps.clock.nowMs(),
      ...(slot.replaces === undefined ? {} : { replaces: slot.replaces, moveReason: slot.moveReason }),
    };
  }

  async #place(view: AppView, add: readonly AssignmentRow[]): Promise<void> {
    await replaceInstances(this.#deps, { appId: view.app.id, signal: this.#deps.signal, add });
    this.#events.placed(view.app, { add, rows: view.rows, nodes: await this.#deps.store.nodes() });
  }

  #block(view: AppView, instanceId: InstanceId, reasons: Readonly<Record<string, string>>): void {
    const row = view.rows.find((each) => each.instanceId === instanceId);
    const known = this.#blocked.has(instanceId);
    this.#blocked.set(instanceId, sayReasons(reasons, NOWHERE));
    if (row !== undefined && !known) this.#events.blocked(view.app, instanceName(row), reasons);
  }
}

/** A running rollout or bake changes the instances of the app itself. A release that waits for room has no instances yet. */
function isBusy(latest: Release | undefined, rows: readonly AssignmentRow[]): boolean {
  return latest?.state === 'deploying' || rows.some((row) => row.desired === 'standby');
}

function hasDoubles(rows: readonly AssignmentRow[]): boolean {
  return new Set(rows.map((row) => slotOf(row))).size < rows.length;
}

function slotOf(instance: { readonly appId: AppId; readonly processType: string; readonly ordinal: number }): string {
  return `${instance.appId} ${instance.processType}.${String(instance.ordinal)}`;
}

function entryOf<K, V>(id: K, value: V | undefined): (readonly [K, V])[] {
  return value === undefined ? [] : [[id, value]];
}

function rowsOf(ends: readonly Ending<AssignmentRow>[]): readonly AssignmentRow[] {
  return ends.map((end) => end.row);
}

function unknownRow(): never {
  throw new Error('The plan moves an instance that must not move.');
}
