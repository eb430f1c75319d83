import { instanceName } from '../../shared/domain/assignment.ts';
import type { AppId, InstanceId, NodeId } from '../../shared/domain/ids.ts';
import type { InstanceStatus } from '../../shared/domain/instance.ts';
import { parseProcessType } from '../../shared/domain/names.ts';
import { sayReasons, wantedCounts } from '../../shared/domain/placement.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
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
  readonly failpoint: Failpoint;
  readonly newInstanceId: () => InstanceId;
  /** How long a node may be silent before an app's instances on it are placed elsewhere, where the app does not say. */
  readonly lostAfterMs: number;
  /** For how long a node has been silent. */
  readonly silentMs: (node: LiveNode) => number;
  readonly signal: AbortSignal;
}

export interface StepResult {
  /** Something was written: look again at once. */
  readonly changed: boolean;
  /** It is not as it shall be yet: look again after a while even if nothing is heard. */
  readonly unfinished: boolean;
  /** A voluntary move is under way. */
  readonly moving: boolean;
}

const AT_REST: StepResult = { changed: false, unfinished: false, moving: false };

/** One look at one app. */
interface Look {
  readonly app: App;
  readonly release: Release;
  readonly shape: AppShape;
  readonly rows: readonly AssignmentRow[];
  readonly statuses: ReadonlyMap<InstanceId, InstanceStatus>;
  readonly plan: MoverPlan<AssignmentRow>;
  /** Voluntary moves may begin. */
  readonly mayMove: boolean;
}

/**
 * Takes the next step of an app towards what is wanted: a copy for what has to leave its node, the end of what is double or too
 * many, an instance for what is missing. Each step is one transaction and starts from the database alone, so a crash between any
 * two of them costs nothing. The caller holds the app's queue, so no rollout is under way meanwhile.
 */
export class AppMover {
  readonly #deps: AppMoverDeps;
  readonly #events: MoveEvents;
  readonly #backoff = new SlotBackoff();
  readonly #blocked = new Map<InstanceId, string>();
  /** Of each app what is wanted and has no place (`web.2`), and why. */
  readonly #placeless = new Map<AppId, ReadonlyMap<string, string>>();

  constructor(deps: AppMoverDeps) {
    this.#deps = deps;
    this.#events = new MoveEvents(deps);
  }

  /** Why an instance that has to leave its node is still there. */
  blockedBecause(instanceId: InstanceId): string | undefined {
    return this.#blocked.get(instanceId);
  }

  /** Instances that are wanted and run nowhere, with why not on each node, as it was at the last look. */
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
      return AT_REST;
    }
    const rows = await store.assignmentsOfApp(appId);
    if (isBusy(latest, rows)) return { ...AT_REST, unfinished: release !== undefined };
    const stray = rows.filter((row) => row.release !== release?.version && row.desired === 'run');
    if (stray.length > 0) return this.#endStray(app, stray);
    if (release === undefined) return AT_REST;
    return await this.#next(await this.#look({ app, release, rows, mayMove }));
  }

  /** Of releases that failed or were superseded: a crash in mid-switch left them. */
  async #endStray(app: App, stray: readonly AssignmentRow[]): Promise<StepResult> {
    const { signal } = this.#deps;
    const recheck = (): readonly AssignmentRow[] => {
      signal.throwIfAborted();
      return stray;
    };
    await replaceInstances(this.#deps, { appId: app.id, signal, remove: stray, recheck });
    return { changed: true, unfinished: true, moving: false };
  }

  async #next(look: Look): Promise<StepResult> {
    this.#noteStuck(look);
    if (look.plan.ends.length > 0) return this.#end(look);
    const { add, waiting } = look.plan.leaving.length > 0 ? await this.#copies(look) : await this.#missing(look);
    if (add.length > 0) await this.#place(look, add);
    const moving = look.plan.underWay.length > 0 || add.some((row) => row.moveReason === 'drain');
    const unfinished =
      moving || waiting || look.plan.leaving.length + look.plan.last.length > 0 || hasDoubles(look.plan.holding);
    return { changed: add.length > 0, unfinished, moving };
  }

  /** What need not leave any more waits for nothing. */
  #noteStuck({ rows, plan }: Look): void {
    const leaving = new Set(plan.leaving.map(({ row }) => row));
    for (const row of rows) if (!leaving.has(row)) this.#blocked.delete(row.instanceId);
    for (const row of plan.last)
      this.#blocked.set(row.instanceId, 'it is the last instance that serves, and no other node runs one');
  }

  async #look(state: Pick<Look, 'app' | 'release' | 'rows' | 'mayMove'>): Promise<Look> {
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
  async #end(look: Look): Promise<StepResult> {
    const { app, plan } = look;
    const { store, failpoint, clock, signal } = this.#deps;
    let now = plan;
    const recheck = async (): Promise<readonly AssignmentRow[]> => {
      signal.throwIfAborted();
      await failpoint('movement.announced');
      now = (await this.#look(look)).plan;
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

  /** Where the copies go of what has to leave: all that is lost at once, of a voluntary move one at a time. */
  async #copies(look: Look): Promise<{ add: readonly AssignmentRow[]; waiting: boolean }> {
    const { shape, plan } = look;
    const leaving = this.#due(look);
    if (leaving.length === 0) return { add: [], waiting: true };
    const ids = new Set(leaving.map((each) => each.row.instanceId));
    const instances = plan.holding.map((row) => placedInstance(shape, row));
    const nodes = await planNodes(this.#deps.store, this.#deps.fleet);
    const { moves, unplaced } = planReplacements({ instances, leaving: ids, nodes: this.#without(nodes, leaving) });
    for (const { instance, reasons } of unplaced) this.#block(look, instance.instanceId, reasons);
    const add = moves.map(({ instance, to }) => {
      this.#blocked.delete(instance.instanceId);
      const { row, reason } = leaving.find((each) => each.row.instanceId === instance.instanceId) ?? unknownRow();
      return this.#newRow(look, { ...row, nodeId: to, replaces: row.instanceId, moveReason: reason });
    });
    return { add, waiting: true };
  }

  #due({ plan, mayMove }: Look): readonly Leaving<AssignmentRow>[] {
    const nowMs = this.#deps.clock.monotonicMs();
    const awake = plan.leaving.filter(({ row }) => !this.#backoff.isWaiting(slotOf(row), nowMs));
    const lost = awake.filter(({ reason }) => reason === 'lost');
    if (!mayMove || plan.underWay.length > 0) return lost;
    // What could not be placed lets the next one try: another type may be smaller, or may go elsewhere.
    const drained = awake.filter(({ reason }) => reason === 'drain');
    const fresh = drained.filter(({ row }) => !this.#blocked.has(row.instanceId));
    const turn = (fresh.length > 0 ? fresh : drained).slice(0, 1);
    return [...lost, ...turn];
  }

  /** Nodes on which the last copy of one of these failed are tried only when there is no other. */
  #without(nodes: readonly PlanNode[], leaving: readonly Leaving<AssignmentRow>[]): readonly PlanNode[] {
    const avoided = new Set(leaving.flatMap(({ row }) => [...this.#backoff.nodesToAvoid(slotOf(row))]));
    const others = nodes.filter((node) => !avoided.has(node.nodeId));
    return others.some((node) => node.connected && !node.cordoned) ? others : nodes;
  }

  async #missing(look: Look): Promise<{ add: readonly AssignmentRow[]; waiting: boolean }> {
    const { shape, plan } = look;
    const nodes = await planNodes(this.#deps.store, this.#deps.fleet);
    const { placements, unplaced } = planPlacements({
      demands: demandsOf(shape),
      nodes,
      placed: plan.holding,
      former: [],
    });
    const nowMs = this.#deps.clock.monotonicMs();
    const due = placements.filter((each) => !this.#backoff.isWaiting(slotOf({ ...each, appId: look.app.id }), nowMs));
    const add = due.map((each) => this.#newRow(look, { ...each, processType: parseProcessType(each.processType) }));
    for (const each of unplaced) this.#events.noPlace(look.app, each);
    const reasons = unplaced.map(
      (each) => [`${each.processType}.${String(each.ordinal)}`, sayReasons(each.reasons, NOWHERE)] as const,
    );
    if (reasons.length > 0) this.#placeless.set(look.app.id, new Map(reasons));
    else this.#placeless.delete(look.app.id);
    return { add, waiting: unplaced.length > 0 || due.length < placements.length };
  }

  #newRow(
    { app, release, shape }: Look,
    slot: Pick<AssignmentRow, 'processType' | 'ordinal' | 'nodeId'> & {
      replaces?: InstanceId | undefined;
      moveReason?: MoveReason | undefined;
    },
  ): AssignmentRow {
    return {
      instanceId: this.#deps.newInstanceId(),
      ...{
        nodeId: slot.nodeId,
        appId: app.id,
        release: release.version,
        processType: slot.processType,
        ordinal: slot.ordinal,
      },
      ...{ limits: limitsOf(shape.settings, slot.processType), desired: 'run', createdAtMs: this.#deps.clock.nowMs() },
      ...(slot.replaces === undefined ? {} : { replaces: slot.replaces, moveReason: slot.moveReason }),
    };
  }

  async #place(look: Look, add: readonly AssignmentRow[]): Promise<void> {
    await replaceInstances(this.#deps, { appId: look.app.id, signal: this.#deps.signal, add });
    await this.#deps.failpoint('movement.placed');
    this.#events.placed(look.app, { add, rows: look.rows, nodes: await this.#deps.store.nodes() });
  }

  #block(look: Look, instanceId: InstanceId, reasons: Readonly<Record<string, string>>): void {
    const row = look.rows.find((each) => each.instanceId === instanceId);
    const known = this.#blocked.has(instanceId);
    this.#blocked.set(instanceId, sayReasons(reasons, NOWHERE));
    if (row !== undefined && !known) this.#events.blocked(look.app, instanceName(row), reasons);
  }
}

/** A release that is half way is finished first, and a bake decides between two of them; one that waits for room has nothing yet. */
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
  throw new Error('a move of an instance that was not to move');
}
