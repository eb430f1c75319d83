import type { AppId, NodeId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Fleet, LiveNode } from '../dispatch/port.ts';
import { noteEvent } from '../store/note-event.ts';
import type { Store } from '../store/port.ts';
import { planLosses, type WatchedNode } from './loss.ts';

export interface LossesDeps {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly log: Logger;
  readonly lostAfterMs: number;
  readonly silentMs: (node: LiveNode) => number;
}

/** Marks silent nodes as lost, and removes the mark when they are connected again. */
export class Losses {
  readonly #deps: LossesDeps;
  #held: readonly NodeId[] = [];
  /** Nodes whose mark is being removed. Two checks may run at the same time. */
  readonly #returning = new Set<NodeId>();

  constructor(deps: LossesDeps) {
    this.#deps = deps;
  }

  get held(): readonly NodeId[] {
    return this.#held;
  }

  /** @returns the apps with instances on lost or returned nodes: the mover must check them */
  async check(): Promise<readonly AppId[]> {
    const nodes = this.#deps.fleet.nodes();
    const back = nodes.filter((node) => node.connected && node.lost);
    for (const node of back.filter(({ nodeId }) => !this.#returning.has(nodeId))) await this.#markReturned(node);
    const away = nodes.filter((node) => !node.connected || node.state === 'unreachable');
    if (away.length === 0) this.#hold([], nodes);
    if (away.length + back.length === 0) return [];
    const { lost, held } = planLosses(await Promise.all(nodes.map((node) => this.#watched(node))));
    for (const nodeId of lost) await this.#markLost(nodes.find((node) => node.nodeId === nodeId));
    this.#hold(held, nodes);
    const given = nodes.filter((node) => node.lost || lost.includes(node.nodeId));
    return this.#deps.store.appsOnNodes([...given, ...back].map((node) => node.nodeId));
  }

  async #watched(node: LiveNode): Promise<WatchedNode> {
    const { nodeId, state, connected, lost } = node;
    const silentMs = this.#deps.silentMs(node);
    const known = { nodeId, state, connected, lost, silentMs };
    if (connected || lost) return { ...known, letGo: false, lostAfterMs: Infinity };
    const letGo = node.revoked || (node.cordoned && (await this.#deps.store.assignmentsOfNode(nodeId)).length === 0);
    return { ...known, letGo, lostAfterMs: state === 'unreachable' ? await this.#lostAfterMs(nodeId) : Infinity };
  }

  /** The shortest limit of the apps on it. If all of them never move, the default applies, and nothing moves. */
  async #lostAfterMs(nodeId: NodeId): Promise<number> {
    const { store, lostAfterMs } = this.#deps;
    const apps = await Promise.all((await store.appsOnNodes([nodeId])).map((appId) => store.appById(appId)));
    const patience = apps.flatMap((app) =>
      app === undefined || app.lostAfterMs === 'never' ? [] : [app.lostAfterMs ?? lostAfterMs],
    );
    return patience.length === 0 ? lostAfterMs : Math.min(...patience);
  }

  async #markLost(node: LiveNode | undefined): Promise<void> {
    if (node === undefined) return;
    const { fleet, store, clock, log } = this.#deps;
    fleet.nodeChanged(await store.changeNode(node.nodeId, { lostAtMs: clock.nowMs() }));
    const silentS = Math.round(this.#deps.silentMs(node) / 1000);
    log.warn({ node: node.name, silentS }, 'node.lost');
    this.#note(
      'node.lost',
      node.name,
      `${node.name} has been silent for ${String(silentS)} s: it counts as lost. Its instances restart on other nodes if placement rules and capacity allow.`,
    );
  }

  async #markReturned(node: LiveNode): Promise<void> {
    const { fleet, store, log } = this.#deps;
    this.#returning.add(node.nodeId);
    const row = await store
      .changeNode(node.nodeId, { lostAtMs: null })
      .finally(() => this.#returning.delete(node.nodeId));
    fleet.nodeChanged(row);
    log.info({ node: node.name }, 'node.returned');
    this.#note(
      'node.returned',
      node.name,
      `${node.name} is back. If an instance runs twice now, the one that started first stays.`,
    );
  }

  #hold(held: readonly NodeId[], nodes: readonly LiveNode[]): void {
    const before = this.#held.length > 0;
    this.#held = held;
    if (before === held.length > 0) return;
    const names = nodes.filter((node) => held.includes(node.nodeId)).map((node) => node.name);
    this.#deps.log.warn({ nodes: names.join(', ') }, held.length > 0 ? 'movement.held' : 'movement.released');
    const message =
      held.length > 0
        ? heldMessage(names)
        : 'Enough nodes are connected again: the instances of lost nodes move to other nodes again.';
    this.#note(held.length > 0 ? 'fleet.held' : 'fleet.released', undefined, message);
  }

  #note(kind: string, node: string | undefined, message: string): void {
    noteEvent(this.#deps, {
      kind,
      actor: 'controller',
      ...(node === undefined ? {} : { node }),
      message,
      next: 'slipway nodes',
    });
  }
}

export function heldMessage(names: readonly string[]): string {
  return `${names.join(', ')} disconnected at the same time, more than a third of the fleet. This is probably a network failure, so no instances are moved.`;
}
