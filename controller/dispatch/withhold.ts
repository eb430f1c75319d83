import { checksBytes, type HealthChecks } from '../../shared/domain/health-check.ts';
import { CONFIG_BYTES_MAX, configBytes } from '../../shared/domain/config-size.ts';
import type { Assignment, DesiredState } from '../../shared/domain/assignment.ts';
import type { InstanceId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import type { ConfigVars } from '../../shared/kit/sensitive.ts';
import { releaseKey } from './desired-state.ts';

/** The limit for the content that the instances of a release share on one node: config, commands and layers. */
export const RELEASE_BYTES_MAX = 4 * CONFIG_BYTES_MAX;

// Overhead of field names, lengths and numbers. The values are high, so that the sum is never smaller than the message.
const CONTENT_BYTES = 512;
const LAYER_BYTES = 192;
const ENTRY_BYTES = 16;
const INSTANCE_BYTES = 256;
const ROUTE_BYTES = 64;
const STATE_BYTES = 16 * 1024;

/** A desired state that fits into one message. */
export interface FittingState {
  readonly state: DesiredState;
  /** The instances whose release was left out, with the reason of each. */
  readonly reasons: ReadonlyMap<InstanceId, Reason>;
}

interface ReleaseUnit {
  readonly key: string;
  readonly bytes: number;
  readonly assignments: readonly Assignment[];
}

/**
 * Pure: leaves out the content of releases that are too large. If the sum is still too large, the largest releases are left out too, so that
 * the other apps of the node get their content. Equal states give equal results.
 */
export function withholdLargest(state: DesiredState, maxBytes: number): FittingState {
  const units = [...Map.groupBy(state.assignments, releaseKey)]
    .map(([key, assignments]): ReleaseUnit => ({ key, assignments, bytes: contentBytes(assignments) }))
    .sort((a, b) => a.bytes - b.bytes || (a.key < b.key ? -1 : 1));
  let left = maxBytes - STATE_BYTES - state.assignments.length * INSTANCE_BYTES - routeBytes(state);
  const tooLarge: ReleaseUnit[] = [];
  for (const unit of units) {
    if (unit.bytes > RELEASE_BYTES_MAX || unit.bytes > left) tooLarge.push(unit);
    else left -= unit.bytes;
  }
  if (tooLarge.length === 0) return { state, reasons: new Map() };
  const reasons = new Map(tooLarge.flatMap((unit) => reasonsOf(unit, maxBytes)));
  const assignments = state.assignments.filter(({ instanceId }) => !reasons.has(instanceId));
  const withheld = state.assignments
    .filter(({ instanceId }) => reasons.has(instanceId))
    .map(({ instanceId, desired }) => ({ instanceId, desired }));
  return { state: { ...state, assignments, withheld }, reasons };
}

/** Bytes of a state in which every assignment is complete. Older agents get this form. Pure. */
export function wholeStateBytes(state: DesiredState): number {
  const each = state.assignments.map((assignment) => contentBytes([assignment]) + INSTANCE_BYTES);
  return each.reduce((sum, bytes) => sum + bytes, STATE_BYTES + routeBytes(state));
}

/** Bytes of the content that the instances of a release share. Only their commands differ. */
function contentBytes(assignments: readonly Assignment[]): number {
  const [one] = assignments;
  if (one === undefined) return 0;
  const commands = new Map(assignments.map(({ processType, command }) => [processType, command]));
  const checks = Object.fromEntries(assignments.map((each) => [each.processType, each.checks ?? []]));
  return releaseBytes({ config: one.config, layers: one.layers, commands: [...commands.values()], checks });
}

/** An upper bound for the bytes of a release's content in a message. */
export function releaseBytes(release: {
  readonly config: ConfigVars;
  readonly layers: readonly unknown[];
  readonly commands: readonly string[];
  readonly checks: HealthChecks;
}): number {
  const { config, layers, commands, checks } = release;
  const commandBytes = commands.reduce((sum, command) => sum + Buffer.byteLength(command) + LAYER_BYTES, 0);
  const varBytes = configBytes(config) + Object.keys(config).length * ENTRY_BYTES;
  return CONTENT_BYTES + varBytes + commandBytes + layers.length * LAYER_BYTES + checksBytes(checks);
}

function routeBytes({ routes }: DesiredState): number {
  return routes.reduce((sum, { hostname }) => sum + hostname.length + ROUTE_BYTES + 64, 0);
}

function reasonsOf({ assignments, bytes }: ReleaseUnit, maxBytes: number): readonly (readonly [InstanceId, Reason])[] {
  return assignments.map(({ instanceId, app, release, config }) => [
    instanceId,
    tooLarge({ app, release, bytes, vars: configBytes(config) }, maxBytes),
  ]);
}

function tooLarge(
  unit: { readonly app: string; readonly release: number; readonly bytes: number; readonly vars: number },
  maxBytes: number,
): Reason {
  const { app, release, bytes, vars } = unit;
  const limit =
    bytes > RELEASE_BYTES_MAX
      ? `the limit is ${String(RELEASE_BYTES_MAX)}`
      : `all releases on the node share ${String(maxBytes)}`;
  return {
    code: 'SLIP_DISPATCH_SIZE',
    message: `v${String(release)} of ${app} is too large for one message to its node: its config, commands and layers take ${String(bytes)} bytes (config alone: ${String(vars)}), and ${limit}.`,
    hint: `slipway config -a ${app}`,
  };
}
