import type { Fleet } from '../dispatch/port.ts';
import type { Placement } from '../schedule/plan.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { Release } from '../domain/releases.ts';
import type { Store } from '../store/port.ts';
import { absentNodes } from '../assignments/assignment-changes.ts';
import { roomNow } from './find-room.ts';
import { appShape } from '../assignments/planner-inputs.ts';
import { renderContinues } from './push-output.ts';
import { strandedRows, type RolloutView } from './rollout-plan.ts';

export interface Replanned {
  /** Instances on unreachable nodes. New instances take their place. */
  readonly stranded: readonly AssignmentRow[];
  /** Instances that are still to be placed. */
  readonly placements: readonly Placement[];
  readonly stopFirst: ReadonlySet<string>;
}

/**
 * Plans the rest of a rollout when one of its nodes is unreachable. Undefined when nothing changes, or when no other node has
 * room: then the rollout waits for the node until the start timeout. A process type that runs on every node continues without it.
 */
export async function replan(
  deps: { readonly store: Store; readonly fleet: Fleet },
  view: RolloutView,
  run: {
    readonly app: App;
    readonly release: Release;
    readonly print: (text: string) => void;
    /** Placements that have not started yet. */
    readonly planned: readonly Placement[];
  },
): Promise<Replanned | undefined> {
  const stranded = strandedRows(view);
  const { away } = absentNodes(deps.fleet, run.planned);
  if (stranded.length === 0 && away.size === 0 && view.missing <= 0) return undefined;
  const rows = view.rows.filter((row) => !stranded.includes(row));
  const shape = await appShape(deps.store, run.app.id, run.release.slug);
  const plan = await roomNow(deps, run.release, { rows, shape });
  if (plan.kind !== 'go') return undefined;
  const served = new Set<string>(
    [...plan.placements, ...rows.filter((row) => row.release === view.version && row.desired === 'run')].map(
      (each) => each.processType,
    ),
  );
  if (![...stranded, ...run.planned].every((each) => served.has(each.processType))) return undefined;
  if (stranded.length > 0)
    run.print(renderContinues([...new Set(stranded.map((row) => deps.fleet.node(row.nodeId)?.name ?? 'a node'))]));
  return { stranded, placements: plan.placements, stopFirst: plan.stopFirst };
}
