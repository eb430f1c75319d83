import { instanceName } from '../../shared/domain/assignment.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Fleet } from '../dispatch/port.ts';
import { noteEvent } from '../store/note-event.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { CommandRow } from '../domain/commands.ts';
import type { NodeChange, NodeRow } from '../domain/nodes.ts';
import type { Store } from '../store/port.ts';

type NodeChangeKind = `node.${string}`;

export interface NodeAdminDeps {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly log: Logger;
  /** Call this when something of the app has changed. */
  readonly wake: (appId: AppId) => void;
}

/** The node operations of an operator. They change the database, and the mover then does the rest. */
export class NodeAdmin {
  readonly #deps: NodeAdminDeps;

  constructor(deps: NodeAdminDeps) {
    this.#deps = deps;
  }

  cordon(node: NodeRow, actor: string): Promise<NodeRow> {
    return this.#change(
      node,
      { cordoned: true },
      { actor, kind: 'node.cordoned', message: `${node.name} gets no new instances.` },
    );
  }

  /** Also ends a drain. Instances that have not moved yet stay. */
  uncordon(node: NodeRow, actor: string): Promise<NodeRow> {
    const change = { cordoned: false, drainUntilMs: null };
    return this.#change(node, change, {
      actor,
      kind: 'node.uncordoned',
      message: `${node.name} takes new instances again.`,
    });
  }

  drain(node: NodeRow, deadlineMs: number, actor: string): Promise<NodeRow> {
    const limit = formatDuration(deadlineMs);
    const message = `The instances of ${node.name} are moved to other nodes, for at most ${limit}. One-off commands there have the same time to end.`;
    const change = { cordoned: true, drainUntilMs: this.#deps.clock.nowMs() + deadlineMs };
    return this.#change(node, change, { actor, kind: 'node.draining', message });
  }

  /** `null` removes a label. */
  label(node: NodeRow, changes: Readonly<Record<string, string | null>>, actor: string): Promise<NodeRow> {
    const merged = { ...node.labels, ...changes };
    const labels = Object.fromEntries(
      Object.entries(merged).flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
    );
    const parts = Object.entries(changes).map(([name, value]) =>
      value === null ? `without ${name}` : `${name}=${value}`,
    );
    return this.#change(
      node,
      { labels },
      { actor, kind: 'node.labelled', message: `${node.name}: ${parts.sort().join(', ')}.` },
    );
  }

  /**
   * Removes a node from the fleet for ever. Its session ends, its certificate is no longer accepted, and its instances restart on
   * other nodes. @throws SLIP_NODE_IN_USE if it has instances without a replacement or runs one-off commands, unless forced
   */
  async remove(node: NodeRow, force: boolean, actor: string): Promise<void> {
    const { store, fleet, wake } = this.#deps;
    const rows = await store.assignmentsOfNode(node.id);
    const alone = await this.#notReplaced(rows);
    if (alone.length > 0 && !force) throw inUse(node, await this.#names(alone));
    const commands = (await store.unfinishedCommands()).filter(({ nodeId }) => nodeId === node.id);
    if (commands.length > 0 && !force) throw runsCommands(node, commands);
    await store.removeNode(node.id);
    fleet.nodeChanged({ ...node, state: 'removed' });
    for (const appId of new Set(rows.map((row) => row.appId))) wake(appId);
    this.#note(node, { actor, kind: 'node.removed', message: `${node.name} was removed from the fleet.` });
  }

  async #notReplaced(rows: readonly AssignmentRow[]): Promise<readonly AssignmentRow[]> {
    const apps = await Promise.all(
      [...new Set(rows.map((row) => row.appId))].map((appId) => this.#deps.store.assignmentsOfApp(appId)),
    );
    const replaced = new Set(apps.flat().map((row) => row.replaces));
    return rows.filter((row) => row.desired !== 'stop' && !replaced.has(row.instanceId));
  }

  async #names(rows: readonly AssignmentRow[]): Promise<readonly string[]> {
    const names = rows.map(
      async (row) => `${instanceName(row)} of ${(await this.#deps.store.appById(row.appId))?.name ?? ''}`,
    );
    return [...new Set(await Promise.all(names))].sort();
  }

  async #change(
    node: NodeRow,
    change: NodeChange,
    event: { actor: string; kind: NodeChangeKind; message: string },
  ): Promise<NodeRow> {
    const row = await this.#deps.store.changeNode(node.id, change);
    this.#deps.fleet.nodeChanged(row);
    this.#note(node, event);
    return row;
  }

  #note(node: NodeRow, { actor, kind, message }: { actor: string; kind: NodeChangeKind; message: string }): void {
    this.#deps.log.info({ node: node.name, by: actor }, kind);
    const next = kind === 'node.removed' ? 'slipway nodes' : `slipway nodes:info ${node.name}`;
    noteEvent(this.#deps, { kind, actor, node: node.name, message, next });
  }
}

const SHOWN = 5;

/** Nobody would know how they ended. */
function runsCommands(node: NodeRow, commands: readonly CommandRow[]): SlipwayError {
  const names = commands.map(({ process, app }) => `${process} of ${app}`);
  const [first] = commands;
  const { message } = inUse(node, names);
  const stop = `slipway run:stop ${first?.process ?? ''} -a ${first?.app ?? ''}`;
  return new SlipwayError({
    code: 'SLIP_NODE_IN_USE',
    kind: 'conflict',
    message,
    hint: `Wait until the one-off commands end, or stop them with: ${stop}. If the machine is gone: slipway nodes:remove ${node.name} --force`,
  });
}

function inUse(node: NodeRow, names: readonly string[]): SlipwayError {
  const more = names.length > SHOWN ? ` and ${String(names.length - SHOWN)} more` : '';
  return new SlipwayError({
    code: 'SLIP_NODE_IN_USE',
    kind: 'conflict',
    message: `${node.name} still runs ${names.slice(0, SHOWN).join(', ')}${more}.`,
    hint: `Move them away first with: slipway nodes:drain ${node.name} — or, if the machine is gone: slipway nodes:remove ${node.name} --force`,
  });
}
