import { isRouted } from '../../shared/domain/assignment.ts';
import type { AppId, NodeId } from '../../shared/domain/ids.ts';
import {
  sumFigures,
  switchId,
  type NodeFigures,
  type SwitchKey,
  type SwitchReport,
} from '../../shared/domain/switch-figures.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Fleet, LiveNode } from '../dispatch/port.ts';
import type { SwitchCounts } from '../dispatch/switch-counts.ts';
import { watchFleet } from '../dispatch/watch-fleet.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { Store } from '../store/port.ts';
import type { SwitchStore } from '../store/switch-port.ts';
import { uncountedNodes } from './uncounted-nodes.ts';

export interface SwitchesDeps {
  readonly store: SwitchStore & Pick<Store, 'release' | 'assignmentsOfApp'>;
  readonly fleet: Pick<Fleet, 'nodes' | 'node' | 'onChange'>;
  readonly counts: Pick<SwitchCounts, 'begin' | 'opened' | 'ask' | 'end' | 'isCounting' | 'figures' | 'onChange'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly failpoint: Failpoint;
  /** Aborted when the controller stops. */
  readonly signal: AbortSignal;
}

interface Deploy {
  readonly app: Pick<App, 'id'>;
  readonly version: number;
}

/** A deploy waits so long for the agents at most. The figures name the nodes that did not answer. */
const BEGIN_WAIT_MS = 2_000;
const ANSWER_WAIT_MS = 3_000;
/** Agents end the requests of old instances long before. */
const DRAIN_WAIT_MS = 10 * 60_000;

/**
 * Counts the requests of each deploy: from before its first change until no old instance has an open request, and also until its release has
 * failed or its bake time is over. The proxies' logs have the requests, the agents add them up. A failure to count never fails a deploy.
 */
export class Switches {
  readonly #deps: SwitchesDeps;
  readonly #begun = new Map<string, ReadonlySet<NodeId>>();
  /** Switches whose releases are in their bake time. Their counts go on after the figures are final. */
  readonly #baking = new Set<string>();
  /** Switches that wait for the last open request of an old instance. */
  readonly #draining = new Map<string, AbortController>();

  constructor(deps: SwitchesDeps) {
    this.#deps = deps;
  }

  /** Call it before the first change of a deploy. Nothing is counted when no instance serves yet, and when no agent counts. */
  async begin(deploy: Deploy, serving: readonly AssignmentRow[]): Promise<void> {
    const key = keyOf(deploy);
    const { counts, store, failpoint } = this.#deps;
    const serves = ({ desired, release, processType }: AssignmentRow): boolean =>
      desired === 'run' && release !== key.release && isRouted({ processType });
    const counters = this.#counters();
    if (counters.length === 0 || !serving.some(serves)) return;
    if (counts.isCounting(key)) return; // a former process of the controller began it
    await this.#try(key, async () => {
      counts.begin(key, true);
      const figures = await this.#answers(key, { read: 0, ids: ids(counters), waitMs: BEGIN_WAIT_MS });
      counts.opened(key);
      const begun = [...figures].filter(([, { gap }]) => gap === undefined).map(([nodeId]) => nodeId);
      this.#begun.set(switchId(key), new Set(begun));
      await store.beginSwitch({ ...key, begun });
      await failpoint('switch.begun');
    });
  }

  /** Call it when the release is current. The figures are final unless old instances have open requests: then they follow later. */
  async reportLive(deploy: Deploy): Promise<void> {
    const key = keyOf(deploy);
    if (this.#deps.counts.isCounting(key)) this.#baking.add(switchId(key));
    await this.#report(key);
  }

  /** Call it when the release has failed and the former one serves again. In the bake time, the figures then have the way back too. */
  async reportFailed(deploy: Deploy): Promise<void> {
    const key = keyOf(deploy);
    this.#baking.delete(switchId(key));
    await this.#report(key);
  }

  /** Call it when the bake time is over. */
  async bakeEnded(deploy: Deploy): Promise<void> {
    const [key, { counts, store, signal }] = [keyOf(deploy), this.#deps];
    this.#baking.delete(switchId(key));
    if (signal.aborted || !counts.isCounting(key) || this.#draining.has(switchId(key))) return;
    await this.#try(key, async () => {
      // The start of the controller may not have reported it yet. Then it ends with its report.
      if ((await store.switchReport(key))?.state === 'final') await this.#end(key);
    });
  }

  /** Call it when the deploy was cut short because its app was destroyed. Does nothing when the controller stops: its next start continues. */
  forget(deploy: Deploy): void {
    if (!this.#deps.signal.aborted) this.#drop(keyOf(deploy));
  }

  async #report(key: SwitchKey): Promise<void> {
    if (!this.#deps.counts.isCounting(key)) return;
    const draining = new AbortController();
    this.#draining.get(switchId(key))?.abort(); // this report takes the place of the one that it waits for
    this.#draining.set(switchId(key), draining);
    await this.#try(key, async () => {
      const report = await this.#read(key, false);
      if (report.openRequests === 0) await this.#finish(key, { ...report, state: 'final' }, draining.signal);
      else {
        await this.#deps.store.setSwitchReport(key, report);
        void this.#try(key, () => this.#whenDrained(key, draining.signal));
      }
    });
  }

  /** At start, before agents connect: the switches of a former process of the controller. */
  async load(): Promise<void> {
    for (const { begun, ...key } of await this.#deps.store.countingSwitches()) {
      this.#begun.set(switchId(key), new Set(begun));
      this.#deps.counts.begin(key, false);
    }
  }

  /** Reports the loaded switches whose deploys have ended. @param ready resolves when the agents had time to connect */
  async resume(ready: () => Promise<void>): Promise<void> {
    const { store, log, signal } = this.#deps;
    try {
      const left = await store.countingSwitches();
      if (left.length === 0) return;
      await ready();
      for (const { appId, release } of left) await this.#resume({ appId, release });
    } catch (error) {
      if (!signal.aborted) log.error({ err: error }, 'switches.not_resumed');
    }
  }

  async #resume(key: SwitchKey): Promise<void> {
    const { store } = this.#deps;
    const state = (await store.release(key.appId, key.release))?.state;
    if (state === 'pending' || state === 'deploying') return; // its deploy continues
    const isFinal = (await store.switchReport(key))?.state === 'final';
    this.#baking.add(switchId(key)); // before the look at the bake, which may end meanwhile
    const isBaking = state === 'current' && (await this.#hasStandby(key.appId));
    if (!isBaking) this.#baking.delete(switchId(key));
    if (!isFinal || state === 'failed') await this.#report(key);
    else if (!isBaking) await this.#try(key, () => this.#end(key));
  }

  async #hasStandby(appId: AppId): Promise<boolean> {
    return (await this.#deps.store.assignmentsOfApp(appId)).some(({ desired }) => desired === 'standby');
  }

  /** The agents say when the last open request has ended. @param replaced aborts when another report takes the place of this one */
  async #whenDrained(key: SwitchKey, replaced: AbortSignal): Promise<void> {
    const { clock, counts, fleet } = this.#deps;
    const untilMs = clock.monotonicMs() + DRAIN_WAIT_MS;
    const isDrained = (): boolean =>
      [...counts.figures(key)].every(
        ([nodeId, { openRequests }]) => openRequests === 0 || fleet.node(nodeId)?.connected !== true,
      );
    await this.#until(untilMs, () => replaced.aborted || isDrained());
    if (!replaced.aborted) await this.#finish(key, await this.#read(key, true), replaced);
  }

  async #read(key: SwitchKey, isFinal: boolean): Promise<SwitchReport> {
    const { counts, fleet } = this.#deps;
    const read = counts.ask(key);
    const figures = await this.#answers(key, { read, ids: ids(this.#counters()), waitMs: ANSWER_WAIT_MS });
    const begun = this.#begun.get(switchId(key)) ?? new Set<NodeId>();
    const uncounted = uncountedNodes(fleet.nodes(), { begun, figures, read });
    const report = sumFigures([...figures.values()], { isFinal, uncounted });
    // An instance that serves again has no drain any more.
    const before = (await this.#deps.store.switchReport(key))?.longestDrainMs ?? 0;
    return { ...report, longestDrainMs: Math.max(before, report.longestDrainMs) };
  }

  /** Waits until these nodes have answered, or are away, or the time is over. */
  async #answers(
    key: SwitchKey,
    { read, ids: wanted, waitMs }: { readonly read: number; readonly ids: readonly NodeId[]; readonly waitMs: number },
  ): Promise<ReadonlyMap<NodeId, NodeFigures>> {
    const { clock, counts, fleet } = this.#deps;
    const isMissing = (id: NodeId): boolean =>
      (counts.figures(key).get(id)?.read ?? -1) < read && fleet.node(id)?.connected === true;
    await this.#until(clock.monotonicMs() + waitMs, () => !wanted.some(isMissing));
    return new Map(counts.figures(key));
  }

  /** The nodes that can count now. */
  #counters(): readonly LiveNode[] {
    return this.#deps.fleet.nodes().filter((node) => node.connected && node.countsSwitches === true);
  }

  /** Looks again after each report of figures, and when a node connects or goes away. */
  async #until(untilMs: number, isDone: () => boolean): Promise<void> {
    const { clock, counts, fleet, signal } = this.#deps;
    const onChange = (listener: () => void): (() => void) => {
      const stops = [fleet.onChange(listener), counts.onChange(listener)];
      return () => stops.forEach((stop) => stop());
    };
    await watchFleet({ fleet: { onChange }, clock }, { untilMs, signal }, () =>
      Promise.resolve(isDone() ? true : undefined),
    );
  }

  async #finish(key: SwitchKey, report: SwitchReport, replaced: AbortSignal): Promise<void> {
    const isReplaced = (): boolean => replaced.aborted;
    await this.#deps.failpoint('switch.drained');
    if (isReplaced()) return;
    await this.#deps.store.setSwitchReport(key, report);
    if (isReplaced()) return;
    this.#draining.delete(switchId(key));
    if (!this.#baking.has(switchId(key))) await this.#end(key);
  }

  async #end(key: SwitchKey): Promise<void> {
    await this.#deps.store.endSwitch(key);
    this.#drop(key);
  }

  #drop(key: SwitchKey): void {
    this.#begun.delete(switchId(key));
    this.#baking.delete(switchId(key));
    this.#draining.get(switchId(key))?.abort();
    this.#draining.delete(switchId(key));
    this.#deps.counts.end(key);
  }

  async #try(key: SwitchKey, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (this.#deps.signal.aborted) return; // the next start of the controller continues
      this.#deps.log.error({ ...key, err: error }, 'switches.not_counted');
      this.#drop(key);
    }
  }
}

function ids(nodes: readonly { readonly nodeId: NodeId }[]): readonly NodeId[] {
  return nodes.map(({ nodeId }) => nodeId);
}

function keyOf({ app, version }: Deploy): SwitchKey {
  return { appId: app.id, release: version };
}
