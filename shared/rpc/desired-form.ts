import type { Assignment, DesiredState } from '../domain/assignment.ts';
import { ownProperty } from '../kit/own-property.ts';
import { revealAll } from '../kit/sensitive.ts';
import { clip } from './clip.ts';
import { encodeChecks } from './health-check-codec.ts';
import type { Assignment as WireAssignment } from './gen/slipway/v1/Assignment.ts';
import type { DesiredState as WireDesiredState } from './gen/slipway/v1/DesiredState.ts';
import type { ReleaseContent } from './gen/slipway/v1/ReleaseContent.ts';

// Two forms of a desired state. For older agents, every assignment is complete. For newer agents, the common content of the instances of a
// release appears once. Both forms contain the plain config, so they are only for the wire and the files of the agent.

/** The form that the receiving agent can read. */
export function formOf({
  state,
  whole = false,
}: {
  readonly state: DesiredState;
  readonly whole?: boolean | undefined;
}): WireDesiredState {
  return whole ? wholeForm(state) : compactForm(state);
}

/** Every assignment is complete. */
function wholeForm(state: DesiredState): WireDesiredState {
  return {
    ...commonParts(state),
    // An agent that reads this form runs no health checks.
    assignments: state.assignments.map(({ checks: _, ...assignment }) => ({
      ...assignment,
      layers: [...assignment.layers],
      config: revealAll(assignment.config),
    })),
  };
}

/** The common content appears once for each release. */
export function compactForm(state: DesiredState): WireDesiredState {
  const byRelease = Map.groupBy(state.assignments, releaseOf);
  return {
    ...commonParts(state),
    assignments: state.assignments.map(slot),
    releases: [...byRelease.values()].flatMap(([first, ...others]) =>
      first === undefined ? [] : [contentOf(first, others)],
    ),
    withheld: (state.withheld ?? []).map((one) => ({ ...one })),
    destroyed: (state.destroyed ?? []).map((one) => ({ ...one })),
  };
}

function commonParts({ epoch, generation, massStopReason, routes }: DesiredState): WireDesiredState {
  return { epoch, generation, massStopReason: clip(massStopReason), routes: [...routes] };
}

function slot({ instanceId, appId, release, processType, ordinal, limits, desired }: Assignment): WireAssignment {
  return { instanceId, appId, release, processType, ordinal, limits, desired };
}

function contentOf(one: Assignment, others: readonly Assignment[]): ReleaseContent {
  const { appId, release, app, uidBase, commit, stack } = one;
  const commands = [one, ...others].map(({ processType, command }) => [processType, command] as const);
  const checks = [one, ...others].map((each) => [each.processType, each.checks ?? []] as const);
  return {
    ...{ appId, release, app, uidBase, commit, stack, layers: [...one.layers], config: revealAll(one.config) },
    commands: Object.fromEntries(commands),
    checks: encodeChecks(Object.fromEntries(checks)),
  };
}

function releaseOf({ appId, release }: { readonly appId?: unknown; readonly release?: unknown }): string {
  return `${String(appId)} v${String(release)}`;
}

type Fields = Readonly<Record<string, unknown>>;

/** Converts both forms to complete assignments. Other values stay unchanged, and the schema refuses them later. Pure. */
export function expandForm(state: unknown): unknown {
  if (!isFields(state) || !Array.isArray(state['releases']) || !Array.isArray(state['assignments'])) return state;
  const contents = new Map(state['releases'].filter(isFields).map((content) => [releaseOf(content), content]));
  return { ...state, assignments: state['assignments'].map((one: unknown) => filled(one, contents)) };
}

function filled(assignment: unknown, contents: ReadonlyMap<string, Fields>): unknown {
  if (!isFields(assignment)) return assignment;
  const content = contents.get(releaseOf(assignment));
  if (content === undefined || (assignment['command'] ?? '') !== '') return assignment;
  const { app, uidBase, commit, stack, layers, config, commands, checks } = content;
  const ofType = (all: unknown): unknown =>
    isFields(all) ? ownProperty(all, String(assignment['processType'])) : undefined;
  const shared = { app, uidBase, commit, stack, layers, config };
  return { ...assignment, ...shared, command: ofType(commands), checks: ofType(checks) };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
