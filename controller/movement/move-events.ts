import { sayReasons } from '../../shared/domain/placement.ts';
import { instanceName } from '../../shared/domain/assignment.ts';
import type { NodeId } from '../../shared/domain/ids.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Unplaced } from '../schedule/plan.ts';
import { noteEvent } from '../store/note-event.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { NodeRow } from '../domain/nodes.ts';
import type { Store } from '../store/port.ts';
import type { Ending, MoverPlan } from './plan.ts';

export const NOWHERE = 'there is no other node';

/** Writes an event and a log line for each move. */
export class MoveEvents {
  readonly #deps: { readonly store: Store; readonly log: Logger };
  /** Instances without a place, for which the event was already written. */
  readonly #told = new Set<string>();

  constructor(deps: { readonly store: Store; readonly log: Logger }) {
    this.#deps = deps;
  }

  placed(
    app: App,
    change: { add: readonly AssignmentRow[]; rows: readonly AssignmentRow[]; nodes: readonly NodeRow[] },
  ): void {
    for (const row of change.add) {
      const from = nameOf(change.nodes, change.rows.find((each) => each.instanceId === row.replaces)?.nodeId);
      const to = nameOf(change.nodes, row.nodeId);
      const name = instanceName(row);
      this.#forget(app, name);
      this.#note(app, {
        row,
        node: to,
        kind: PLACED[row.moveReason ?? 'missing'].kind,
        message: PLACED[row.moveReason ?? 'missing'].message(name, from, to),
      });
    }
  }

  async ended(app: App, plan: MoverPlan<AssignmentRow>, nodes: readonly NodeRow[]): Promise<void> {
    for (const end of plan.ends) {
      const message = endMessage(end, { plan, nodes });
      this.#note(app, {
        row: end.row,
        node: nameOf(nodes, end.row.nodeId),
        kind: `instance.${KINDS[end.why]}`,
        message,
      });
    }
    return Promise.resolve();
  }

  blocked(app: App, name: string, reasons: Readonly<Record<string, string>>): void {
    this.#noteOnce(app, name, reasons);
  }

  noPlace(app: App, unplaced: Unplaced): void {
    this.#noteOnce(app, `${unplaced.processType}.${String(unplaced.ordinal)}`, unplaced.reasons);
  }

  #noteOnce(app: App, name: string, reasons: Readonly<Record<string, string>>): void {
    const key = `${app.id} ${name}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const message = `${name} waits for a place: ${sayReasons(reasons, NOWHERE)}.`;
    const { log, store } = this.#deps;
    noteEvent(
      { store, log },
      { kind: 'instance.waits', actor: 'controller', app: app.name, instance: name, message, next: 'slipway nodes' },
    );
  }

  #forget(app: App, name: string): void {
    this.#told.delete(`${app.id} ${name}`);
  }

  #note(app: App, move: { row: AssignmentRow; node: string; kind: string; message: string }): void {
    const { log, store } = this.#deps;
    const { row, node, kind, message } = move;
    const what = kind.replace('instance.', '').replaceAll('-', '_');
    log.info({ app: app.name, instance: instanceName(row), node, message }, `movement.${what}`);
    noteEvent(
      { store, log },
      {
        kind,
        actor: 'controller',
        app: app.name,
        node,
        instance: instanceName(row),
        message,
        next: `slipway ps -a ${app.name}`,
      },
    );
  }
}

const PLACED = {
  drain: {
    kind: 'instance.moving',
    message: (name: string, from: string, to: string) =>
      `${name} moves from ${from} to ${to}: ${from} is being drained.`,
  },
  rebalance: {
    kind: 'instance.moving',
    message: (name: string, from: string, to: string) =>
      `${name} moves from ${from} to ${to}: the fleet is being rebalanced.`,
  },
  restart: {
    kind: 'instance.restarting',
    message: (name: string, _from: string, to: string) => `${name} is restarted on ${to}.`,
  },
  lost: {
    kind: 'instance.replaced',
    message: (name: string, from: string, to: string) => `${name} is started on ${to}: ${from} is lost.`,
  },
  missing: {
    kind: 'instance.placed',
    message: (name: string, _from: string, to: string) => `${name} is started on ${to}: it was missing.`,
  },
} as const;

const KINDS = {
  moved: 'moved',
  restarted: 'restarted',
  left: 'moved',
  double: 'double',
  failed: 'move-failed',
  surplus: 'removed',
} as const;

function endMessage(
  { row, why }: Ending<AssignmentRow>,
  facts: { plan: MoverPlan<AssignmentRow>; nodes: readonly NodeRow[] },
): string {
  const [name, here] = [instanceName(row), nameOf(facts.nodes, row.nodeId)];
  const other = facts.plan.holding.find(
    (each) => each !== row && each.ordinal === row.ordinal && each.processType === row.processType,
  );
  const there = nameOf(facts.nodes, other?.nodeId);
  if (why === 'moved') return `${name} has moved from ${here} to ${there}.`;
  if (why === 'restarted') return `${name} was restarted: its new instance runs on ${there}.`;
  if (why === 'left')
    return `${name} on ${here} ends: its node is being drained, and every other node has its own instance.`;
  if (why === 'double')
    return `${name} ran on ${here} and on ${there}; the one on ${there} has been running longer and stays.`;
  if (why === 'surplus') return `${name} on ${here} ends: fewer are wanted.`;
  return `${name} did not start on ${here}. It will be tried again.`;
}

function nameOf(nodes: readonly NodeRow[], id: NodeId | undefined): string {
  return nodes.find((node) => node.id === id)?.name ?? 'a removed node';
}
