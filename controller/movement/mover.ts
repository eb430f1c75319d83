import type { AppId, NodeId } from '../../shared/domain/ids.ts';
import type { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import type { LiveNode } from '../dispatch/port.ts';
import { AppMover, type AppMoverDeps, type StepResult } from './app-mover.ts';
import { Drains, type DrainsDeps } from './drains.ts';
import { Losses } from './losses.ts';

export interface MoverDeps extends Omit<AppMoverDeps, 'silentMs'> {
  readonly commands: DrainsDeps['commands'];
  /** One per app: pushes, config changes and moves run one after the other. */
  readonly queue: KeyedQueue;
  /** Called once after the start: when all nodes are connected, or after NODES_BACK_MS. */
  readonly onReady?: (() => void) | undefined;
}

/** Drains, silent nodes and unfinished apps are checked at this interval. */
const TICK_MS = 2_000;
/** Every app is checked at this interval, so a lost report only costs time. */
const SWEEP_MS = 5 * 60_000;
/** After a start, the mover waits at most this long for the nodes. */
const NODES_BACK_MS = 30_000;
/** Number of apps with a voluntary move at the same time. It limits the load on the nodes. */
const MOVES_AT_ONCE = 4;
/** The pause between two checks of an app is three times the duration of a check, but at most PAUSE_MAX_MS. A large fleet reports all the time. */
const PAUSE_FACTOR = 3;
const PAUSE_MAX_MS = 300;
/** Steps of one app in one turn of its queue. The rest takes another turn, so that a push can run in between. */
const STEPS_A_TURN = 5;

/**
 * Moves the instances of every app to the nodes where they should run. Reports, connections and changes only wake it. Each check
 * reads the database and the live fleet, and takes the next step of the app, in the queue of the app.
 */
export class Mover {
  readonly #deps: MoverDeps;
  readonly #apps: AppMover;
  readonly #losses: Losses;
  readonly #drains: Drains;
  readonly #startedAtMs: number;
  /** Apps that wait in their queue or are being checked → whether they were woken again meanwhile. */
  readonly #running = new Map<AppId, boolean>();
  readonly #unfinished = new Set<AppId>();
  readonly #moving = new Set<AppId>();
  readonly #reported = new Set<NodeId>();
  #checking = false;
  #ready = false;
  #sweptAtMs = -Infinity;

  constructor(deps: MoverDeps) {
    this.#deps = deps;
    this.#startedAtMs = deps.clock.monotonicMs();
    const silentMs = (node: LiveNode): number => deps.clock.monotonicMs() - (node.lastSeenAtMs ?? this.#startedAtMs);
    this.#apps = new AppMover({ ...deps, silentMs });
    this.#losses = new Losses({ ...deps, silentMs });
    this.#drains = new Drains(deps);
  }

  /** Until the signal aborts. Never rejects. */
  async reconcile(): Promise<void> {
    const { fleet, clock, signal } = this.#deps;
    const stop = fleet.onChange((nodeId) => {
      this.#onReport(nodeId);
    });
    while (!signal.aborted) {
      await this.#tick().catch((error: unknown) => {
        if (!signal.aborted) this.#deps.log.error({ err: error }, 'movement.failed');
      });
      await clock.sleep(TICK_MS, signal).catch(() => undefined);
    }
    stop();
  }

  /** Call this when something of the app has changed: its formation, its placement rules or its instances. */
  wake(appId: AppId): void {
    if (!this.#ready || this.#deps.signal.aborted) return; // the first sweep checks all apps
    if (this.#running.has(appId)) {
      this.#running.set(appId, true);
      return;
    }
    this.#running.set(appId, false);
    void this.#deps.queue
      .enqueue(appId, () => this.#turn(appId), 'move')
      .catch((error: unknown) => {
        this.#unfinished.add(appId);
        if (!this.#deps.signal.aborted) this.#deps.log.error({ app: appId, err: error }, 'movement.failed');
      })
      .then((tookMs) => this.#pause(tookMs ?? 0))
      .finally(() => {
        const again = this.#running.get(appId) === true;
        this.#running.delete(appId);
        if (again) this.wake(appId);
      });
  }

  async #pause(tookMs: number): Promise<void> {
    const { clock, signal } = this.#deps;
    const ms = Math.min(PAUSE_MAX_MS, Math.round(tookMs * PAUSE_FACTOR));
    if (ms > 0) await clock.sleep(ms, signal).catch(() => undefined);
  }

  /** Why an instance that must leave its node is still there. */
  blockedBecause(instanceId: Parameters<AppMover['blockedBecause']>[0]): string | undefined {
    return this.#apps.blockedBecause(instanceId);
  }

  /** The wanted instances of an app that run on no node, and why. */
  placeless(appId: AppId): ReadonlyMap<string, string> {
    return this.#apps.placeless(appId);
  }

  /** Nodes that do not count as lost because too many nodes are absent. */
  get heldNodes(): readonly NodeId[] {
    return this.#losses.held;
  }

  /** @returns how long it took, ms */
  async #turn(appId: AppId): Promise<number> {
    const startedAtMs = this.#deps.clock.monotonicMs();
    this.#running.set(appId, false);
    let result: StepResult | undefined;
    for (let steps = 0; steps < STEPS_A_TURN; steps += 1) {
      this.#deps.signal.throwIfAborted();
      result = await this.#apps.step(appId, this.#moving.has(appId) || this.#moving.size < MOVES_AT_ONCE);
      this.#note(appId, result);
      if (!result.changed) break;
    }
    if (result?.changed === true) this.#running.set(appId, true);
    return this.#deps.clock.monotonicMs() - startedAtMs;
  }

  #note(appId: AppId, result: StepResult): void {
    if (result.unfinished) this.#unfinished.add(appId);
    else this.#unfinished.delete(appId);
    if (result.moving) this.#moving.add(appId);
    else this.#moving.delete(appId);
  }

  /** Many reports arrive at once. They are collected, and the apps of all these nodes are checked together. */
  #onReport(nodeId: NodeId): void {
    this.#reported.add(nodeId);
    if (this.#checking) return;
    this.#checking = true;
    void this.#checkReported().finally(() => {
      this.#checking = false;
    });
  }

  async #checkReported(): Promise<void> {
    const { log, signal } = this.#deps;
    await Promise.resolve(); // collects the reports of the same tick
    while (this.#reported.size > 0) {
      const nodes = [...this.#reported];
      this.#reported.clear();
      await this.#checkAppsOn(nodes).catch((error: unknown) => {
        if (!signal.aborted) log.warn({ nodes: nodes.length, err: error }, 'movement.failed');
      });
    }
  }

  async #checkAppsOn(nodes: readonly NodeId[]): Promise<void> {
    const { store, fleet, signal } = this.#deps;
    if (!this.#ready || signal.aborted) return;
    const changed = nodes.filter((nodeId) => this.#nodeStates.get(nodeId) !== this.#stateOf(nodeId));
    for (const nodeId of changed) this.#nodeStates.set(nodeId, this.#stateOf(nodeId));
    const returned = nodes.some(
      (nodeId) => fleet.node(nodeId)?.connected === true && fleet.node(nodeId)?.lost === true,
    );
    if (returned) await this.#losses.check();
    for (const appId of await store.appsOnNodes(nodes)) this.wake(appId);
    if (changed.length === 0) return;
    for (const app of await store.appsOnEveryNode()) this.wake(app.id);
    for (const appId of this.#unfinished) this.wake(appId);
  }

  /** The state of each node that decides whether it may take instances. A change concerns the apps of other nodes too. */
  readonly #nodeStates = new Map<NodeId, string>();

  #stateOf(nodeId: NodeId): string {
    const node = this.#deps.fleet.node(nodeId);
    return node === undefined
      ? 'gone'
      : JSON.stringify([node.connected, node.cordoned, node.draining, node.lost, node.labels]);
  }

  async #tick(): Promise<void> {
    const { clock, store } = this.#deps;
    if (!this.#nodesBack()) return;
    for (const appId of await this.#losses.check()) this.wake(appId);
    for (const appId of await this.#drains.check()) this.wake(appId);
    for (const appId of this.#unfinished) this.wake(appId);
    if (clock.monotonicMs() - this.#sweptAtMs < SWEEP_MS) return;
    this.#sweptAtMs = clock.monotonicMs();
    for (const app of await store.deployedApps()) this.wake(app.id);
  }

  #nodesBack(): boolean {
    if (this.#ready) return true;
    const { clock, fleet, onReady } = this.#deps;
    this.#ready =
      clock.monotonicMs() - this.#startedAtMs >= NODES_BACK_MS || fleet.nodes().every((node) => node.connected);
    if (this.#ready) onReady?.();
    return this.#ready;
  }
}
