import type { NodeId } from '../../shared/domain/ids.ts';
import { switchId, type NodeFigures, type SwitchKey, type SwitchQuery } from '../../shared/domain/switch-figures.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { SwitchFigures } from '../../shared/rpc/messages.ts';
import { SWITCHES_MAX } from '../../shared/rpc/switch-codec.ts';
import type { AgentSession } from './agent-session.ts';

interface SwitchCountsDeps {
  readonly sessions: () => readonly AgentSession[];
  readonly clock: Clock;
}

interface Counting {
  query: SwitchQuery;
  /** The last answer of each node. */
  readonly figures: Map<NodeId, NodeFigures>;
}

/** The switches whose requests the agents count, and their answers. Agents always get the whole list, so a lost session loses nothing. */
export class SwitchCounts {
  readonly #deps: SwitchCountsDeps;
  readonly #counting = new Map<string, Counting>();
  /** Apart from the listeners of the fleet: a report of figures says nothing about instances, and each deploy gets many. */
  readonly #listeners = new Set<() => void>();

  constructor(deps: SwitchCountsDeps) {
    this.#deps = deps;
  }

  /** Asks all agents to count. @param opening nothing of the release has started */
  begin({ appId, release }: SwitchKey, opening: boolean): void {
    this.#counting.set(switchId({ appId, release }), {
      query: { appId, release, opening, read: 0 },
      figures: new Map(),
    });
    this.#sendAll();
  }

  /** From now on, a count that begins is not complete. */
  opened(key: SwitchKey): void {
    const counting = this.#counting.get(switchId(key));
    if (counting !== undefined) counting.query = { ...counting.query, opening: false };
  }

  /** Asks for the figures. @returns the number of the question, which is new also after a restart of the controller */
  ask(key: SwitchKey): number {
    const counting = this.#counting.get(switchId(key));
    if (counting === undefined) return 0;
    const read = Math.max(counting.query.read + 1, this.#deps.clock.nowMs());
    counting.query = { ...counting.query, read };
    this.#sendAll();
    return read;
  }

  end(key: SwitchKey): void {
    if (this.#counting.delete(switchId(key))) this.#sendAll();
  }

  isCounting(key: SwitchKey): boolean {
    return this.#counting.has(switchId(key));
  }

  figures(key: SwitchKey): ReadonlyMap<NodeId, NodeFigures> {
    return this.#counting.get(switchId(key))?.figures ?? new Map<NodeId, NodeFigures>();
  }

  /** Calls the listener when a node has reported figures. @returns the function that unsubscribes */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Also sends an empty list: a switch may have ended while the node was away, and its agent still counts. */
  sessionStarted(session: AgentSession): void {
    this.#send(session);
  }

  /** A node speaks for itself only. Late answers to a switch that has ended are normal. */
  reported(session: AgentSession, { kind: _, ...figures }: SwitchFigures): void {
    const counting = this.#counting.get(switchId(figures));
    const before = counting?.figures.get(session.nodeId);
    if (counting === undefined || figures.read > counting.query.read || figures.read < (before?.read ?? 0)) return;
    counting.figures.set(session.nodeId, figures);
    for (const listener of this.#listeners) listener();
  }

  #sendAll(): void {
    for (const session of this.#deps.sessions()) this.#send(session);
  }

  #send(session: AgentSession): void {
    if (session.hello?.countsSwitches !== true) return;
    const switches = [...this.#counting.values()].map(({ query }) => query).slice(-SWITCHES_MAX);
    session.send({ kind: 'countSwitches', switches });
  }
}
