import { effectiveChecks } from '../../shared/domain/health-check.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import type { LiveNode } from '../dispatch/port.ts';
import type { AssignmentRow } from '../domain/assignments.ts';
import type { Release } from '../domain/releases.ts';
import { renderUnchecked } from './push-output.ts';

type Row = Pick<AssignmentRow, 'nodeId' | 'processType'>;
type Node = Pick<LiveNode, 'nodeId' | 'name' | 'checkProbes'>;
type Checked = Pick<Release, 'slug' | 'checks'>;

/** Tells the user of a push about agents that cannot run the checks of the release. */
export function tellUnchecked(
  { release, print }: { readonly release: Checked; readonly print: (text: string) => void },
  rows: readonly Row[],
  nodes: readonly Node[],
): void {
  const names = uncheckedNodes(release, rows, nodes);
  if (names.length > 0) print(renderUnchecked(names));
}

function uncheckedNodes({ slug, checks }: Checked, rows: readonly Row[], nodes: readonly Node[]): readonly string[] {
  const all = effectiveChecks(slug.checks, checks);
  const lacks = ({ nodeId, checkProbes }: Node): boolean =>
    rows.some(
      (row) =>
        row.nodeId === nodeId &&
        (ownProperty(all, row.processType) ?? []).some(({ probe }) => checkProbes?.includes(probe) === false),
    );
  return nodes
    .filter(lacks)
    .map(({ name }) => name)
    .sort();
}
