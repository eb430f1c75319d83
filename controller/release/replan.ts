import type { Fleet } from '../dispatch/port.ts';
import type { Placement } from '../schedule/plan.ts';
import type { App } from '../domain/apps.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { Release } from '../domain/releases.ts';
import type { Store } from '../store/port.ts';
import { absentNodes } from '../assignments/assignment-changes.ts';
import { roomNow } from './find-room.ts';
import { appShape } from '../assignments/planner-inputs.ts';
import { renderMovesOn } from './push-output.ts';
import { strandedRows, type RolloutView } from './rollout-plan.ts';

export interface Replanned {
  /** They are wanted no more: others take their place. */
  readonly stranded: readonly AssignmentRow[];
  /** All that is still to be placed. */
  readonly placements: readonly Placement[];
  readonly stopFirst: ReadonlySet<string>;
}

/**
 * Where the rest of a rollout goes once a node of it is gone; undefined where all is as planned, or where there is no room
 * elsewhere: then it waits for the node as long as for any start. A process type that runs on every node goes on without it.
 */
export async function replan(
  deps: { readonly store: Store; readonly fleet: Fleet },
  view: RolloutView,
  run: {
    readonly app: App;
    readonly release: Release;
    readonly tell: (text: string) => void;
    /** Not started yet. */
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
    run.tell(renderMovesOn([...new Set(stranded.map((row) => deps.fleet.node(row.nodeId)?.name ?? 'a node'))]));
  return { stranded, placements: plan.placements, stopFirst: plan.stopFirst };
}
