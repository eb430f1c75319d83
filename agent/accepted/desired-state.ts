import { createHash } from 'node:crypto';
import type { Assignment, DesiredState } from '../../shared/domain/assignment.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import { revealAll } from '../../shared/kit/sensitive.ts';
import type { Decision } from './decision.ts';
import { refuseOutdated, type VersionRule } from './refuse-outdated.ts';
import { withoutInstances } from './withheld.ts';

/** A change that stops more than this share of the running slots, and at least so many, needs a named operation. */
export const MASS_STOP_SHARE = 0.3;
export const MASS_STOP_COUNT = 5;

const MASS_STOP_HINT =
  'The apps keep running. If the database of the controller was restored from a backup, push these apps again, or put a newer backup in place and run `node controller/main.ts restored --config FILE`. If these instances must stop, stop the agent, remove desired.json from its state folder, and start the agent.';

const VERSION_RULE: VersionRule = {
  noun: 'desired state',
  generationsContinueAcrossEpochs: true,
  codes: {
    oldEpoch: 'SLIP_DESIRED_OLD_EPOCH',
    otherController: 'SLIP_DESIRED_OTHER_CONTROLLER',
    oldGeneration: 'SLIP_DESIRED_OLD_GENERATION',
  },
};

/**
 * Pure: whether an agent may act on an offered desired state. It protects running apps from a controller that lost or mixed up its memory:
 * restored from a backup, copied to a second machine, or started on an empty database.
 */
export function decideDesiredState(accepted: DesiredState | undefined, offered: DesiredState): Decision<DesiredState> {
  if (accepted === undefined) return { accepted: true, document: offered, changed: true };
  const reason =
    refuseOutdated(VERSION_RULE, accepted, offered) ??
    refuseConflict(accepted, offered) ??
    refuseMassStop(accepted, offered);
  if (reason !== undefined) return { accepted: false, reason };
  const changed = !sameState(accepted, offered) || !sameDestroyed(accepted, offered);
  return { accepted: true, document: offered, changed };
}

function refuseConflict(accepted: DesiredState, offered: DesiredState): Reason | undefined {
  if (offered.generation !== accepted.generation || compatible(accepted, offered)) return undefined;
  return {
    code: 'SLIP_DESIRED_CONFLICT',
    message: `The controller sent generation ${String(offered.generation)} again, with other content.`,
    hint: 'Check that only one controller uses this database: `slipway status`.',
  };
}

function refuseMassStop(accepted: DesiredState, offered: DesiredState): Reason | undefined {
  if (offered.massStopReason !== '') return undefined;
  // An app without user ids is unknown to the controller. The controller may have lost its data, so the app counts for this brake.
  const known = (offered.destroyed ?? []).filter(({ uidBase }) => uidBase !== 0);
  const destroyed = new Set<string>(known.map(({ appId }) => appId));
  const before = runningSlots(accepted.assignments.filter(({ appId }) => !destroyed.has(appId)));
  const after = runningSlots(offered.assignments);
  const lost = [...before].filter((slot) => !after.has(slot)).length;
  if (lost < MASS_STOP_COUNT || lost <= before.size * MASS_STOP_SHARE) return undefined;
  return {
    code: 'SLIP_DESIRED_MASS_STOP',
    message: `The controller would stop ${String(lost)} of ${String(before.size)} running instances on this node without replacement, but names no operation that asked for this.`,
    hint: MASS_STOP_HINT,
  };
}

/** `web.1` of an app is one slot, whichever release fills it: a new release in its place is a replacement. */
function runningSlots(assignments: readonly Assignment[]): ReadonlySet<string> {
  const running = assignments.filter((one) => one.desired !== 'stop');
  return new Set(running.map((one) => `${one.appId} ${one.processType}.${String(one.ordinal)}`));
}

/**
 * Within one epoch the states must be equal, except for health checks. A newer epoch may have other routes (its configuration changed). It may also contain instances
 * that an older controller withheld, or withhold others. An upgraded agent gets health checks that the former one could not run.
 */
function compatible(accepted: DesiredState, offered: DesiredState): boolean {
  if (offered.epoch.counter === accepted.epoch.counter)
    return sameState(withoutChecks(accepted), withoutChecks(offered));
  const withheld = new Set(
    [...(accepted.withheld ?? []), ...(offered.withheld ?? [])].map(({ instanceId }) => instanceId),
  );
  const [before, after] = [accepted, offered].map((state) =>
    withoutChecks(withoutInstances(state, withheld)).assignments.map(canonicalAssignment),
  );
  return fingerprint(before) === fingerprint(after);
}

function withoutChecks(state: DesiredState): DesiredState {
  return { ...state, assignments: state.assignments.map(({ checks: _, ...assignment }) => assignment) };
}

function sameState(a: DesiredState, b: DesiredState): boolean {
  return fingerprint(canonicalState(a)) === fingerprint(canonicalState(b));
}

/** Within one generation the list gets shorter, so it is compared separately: the new list must reach the disk. */
function sameDestroyed(a: DesiredState, b: DesiredState): boolean {
  return fingerprint({ destroyed: a.destroyed ?? [] }) === fingerprint({ destroyed: b.destroyed ?? [] });
}

function canonicalState(state: DesiredState): unknown {
  return {
    epoch: state.epoch,
    generation: state.generation,
    massStopReason: state.massStopReason,
    assignments: state.assignments.map(canonicalAssignment),
    routes: state.routes.map((route) => ({ ...route })),
    withheld: (state.withheld ?? []).map(({ instanceId, desired }) => `${instanceId} ${desired}`).sort(),
  };
}

function canonicalAssignment(assignment: Assignment): unknown {
  return { ...assignment, config: revealAll(assignment.config) };
}

/** Equal for equal values, whatever the order of keys and of lists of objects. A hash, since the value holds secrets. */
function fingerprint(value: unknown): string {
  return createHash('sha256').update(stable(value)).digest('hex');
}

function stable(value: unknown): string {
  if (Array.isArray(value)) {
    const parts = value.map(stable);
    // Assignments and routes are sets; layers are a stack whose order means something.
    return `[${(isSet(value) ? parts.sort() : parts).join()}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${stable(field)}`)
    .join()}}`;
}

function isSet(list: readonly unknown[]): boolean {
  const first = list[0];
  return typeof first === 'object' && first !== null && 'appId' in first;
}
