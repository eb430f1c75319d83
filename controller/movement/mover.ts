import type { AppId, NodeId } from '../../shared/domain/ids.ts';
import type { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import type { LiveNode } from '../dispatch/port.ts';
import { AppMover, type AppMoverDeps, type StepResult } from './app-mover.ts';
import { Drains } from './drains.ts';
import { Losses } from './losses.ts';

export interface MoverDeps extends Omit<AppMoverDeps, 'silentMs'> {
  /** One per app: pushes, config changes and moves take turns. */
  readonly queue: KeyedQueue;
  /** Called once, when the nodes are back after a start, or have had their time for it. */
  readonly onReady?: (() => void) | undefined;
}

/** How often the clock alone makes it look: at drains, silent nodes and what is not finished. */
const TICK_MS = 2_000;
/** A look at every app even if nothing was heard: a lost wake-up costs time and never truth. */
const SWEEP_MS = 5 * 60_000;
/** A controller that has just started waits so long for its nodes before it moves anything. */
const NODES_BACK_MS = 30_000;
/** Apps that may have a voluntary move under way at once: the nodes that take them have other work too. */
const MOVES_AT_ONCE = 4;
/** Between two looks at an app there is three times what a look takes: a thousand nodes report by the thousand. Never more than this. */
const PAUSE_FACTOR = 3;
const PAUSE_MAX_MS = 300;
/** Steps of one app in one turn; more take the next turn, so that a push gets in between. */
const STEPS_A_TURN = 5;

/**
 * Keeps every app where it shall be, whatever nodes do. Reports, (dis)connections and changes only wake it; each look starts from
 * the database and the live fleet and takes the next step of that app, in the app's own queue.
 */
export class Mover {
  readonly #deps: MoverDeps;
  readonly #apps: AppMover;
  readonly #losses: Losses;
  readonly #drains: Drains;
  readonly #startedAtMs: number;
  /** Apps that wait in their queue or are being looked at → whether they were woken again meanwhile. */
  readonly #running = new Map<AppId, boolean>();
  readonly #unfinished = new Set<AppId>();
  readonly #moving = new Set<AppId>();
  readonly #heard = new Set<NodeId>();
  #looking = false;
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
      this.#hear(nodeId);
    });
    while (!signal.aborted) {
      await this.#tick().catch((error: unknown) => {
        if (!signal.aborted) this.#deps.log.error({ err: error }, 'movement.failed');
      });
      await clock.sleep(TICK_MS, signal).catch(() => undefined);
    }
    stop();
  }

  /** Something of the app has changed: its formation, its rules, its instances. */
  wake(appId: AppId): void {
    if (!this.#ready || this.#deps.signal.aborted) return; // the first sweep looks at all of them
    if (this.#running.has(appId)) {
      this.#running.set(appId, true);
      return;
    }
    this.#running.set(appId, false);
    void this.#deps.queue
      .run(appId, () => this.#turn(appId), 'move')
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

  /** Why an instance that has to leave its node is still there, in words. */
  blockedBecause(instanceId: Parameters<AppMover['blockedBecause']>[0]): string | undefined {
    return this.#apps.blockedBecause(instanceId);
  }

  /** What of an app is wanted and runs nowhere, and why. */
  placeless(appId: AppId): ReadonlyMap<string, string> {
    return this.#apps.placeless(appId);
  }

  /** Nodes that would be given up if not too many were away at once. */
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

  /** Reports come by the dozen: one look at the apps of all nodes heard of by now, and at those heard of meanwhile next. */
  #hear(nodeId: NodeId): void {
    this.#heard.add(nodeId);
    if (this.#looking) return;
    this.#looking = true;
    void this.#lookAround().finally(() => {
      this.#looking = false;
    });
  }

  async #lookAround(): Promise<void> {
    const { log, signal } = this.#deps;
    await Promise.resolve(); // what is reported in the same breath
    while (this.#heard.size > 0) {
      const nodes = [...this.#heard];
      this.#heard.clear();
      await this.#lookAt(nodes).catch((error: unknown) => {
        if (!signal.aborted) log.warn({ nodes: nodes.length, err: error }, 'movement.failed');
      });
    }
  }

  async #lookAt(nodes: readonly NodeId[]): Promise<void> {
    const { store, fleet, signal } = this.#deps;
    if (!this.#ready || signal.aborted) return;
    const changed = nodes.filter((nodeId) => this.#known.get(nodeId) !== this.#stateOf(nodeId));
    for (const nodeId of changed) this.#known.set(nodeId, this.#stateOf(nodeId));
    const returned = nodes.some(
      (nodeId) => fleet.node(nodeId)?.connected === true && fleet.node(nodeId)?.lost === true,
    );
    if (returned) await this.#losses.look();
    for (const appId of await store.appsOnNodes(nodes)) this.wake(appId);
    if (changed.length === 0) return;
    for (const app of await store.appsOnEveryNode()) this.wake(app.id);
    for (const appId of this.#unfinished) this.wake(appId);
  }

  /** Whether a node may take instances: when that changes, more than its own apps are concerned. */
  readonly #known = new Map<NodeId, string>();

  #stateOf(nodeId: NodeId): string {
    const node = this.#deps.fleet.node(nodeId);
    return node === undefined
      ? 'gone'
      : JSON.stringify([node.connected, node.cordoned, node.draining, node.lost, node.labels]);
  }

  async #tick(): Promise<void> {
    const { clock, store } = this.#deps;
    if (!this.#nodesBack()) return;
    for (const appId of await this.#losses.look()) this.wake(appId);
    for (const appId of await this.#drains.look()) this.wake(appId);
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
