import type { DesiredState } from '../../shared/domain/assignment.ts';

/**
 * Pure: the offered state, with the accepted content of the instances whose content the controller withheld. An instance without accepted
 * content stays withheld, because the agent has nothing to start it from.
 */
export function resolveWithheld(accepted: DesiredState | undefined, offered: DesiredState): DesiredState {
  const { withheld = [] } = offered;
  if (withheld.length === 0) return offered;
  const known = new Map((accepted?.assignments ?? []).map((assignment) => [assignment.instanceId, assignment]));
  const kept = withheld.flatMap(({ instanceId, desired }) => {
    const assignment = known.get(instanceId);
    return assignment === undefined ? [] : [{ ...assignment, desired }];
  });
  const left = withheld.filter(({ instanceId }) => !known.has(instanceId));
  return { ...offered, assignments: [...offered.assignments, ...kept], withheld: left.length === 0 ? undefined : left };
}

/** Pure: the state without these instances. */
export function withoutInstances(state: DesiredState, ids: ReadonlySet<string>): DesiredState {
  return { ...state, assignments: state.assignments.filter(({ instanceId }) => !ids.has(instanceId)) };
}
