import { sayStopped, type Stopped } from '../../shared/domain/placement.ts';
import { saySwitch, sayUncounted, type SwitchReport } from '../../shared/domain/switch-figures.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import type { Failure } from '../assignments/instance-failure.ts';
import { renderTimings } from './push-timings.ts';

// The output of a push, in Heroku's style: `----->` for a stage, seven spaces for its details, ` !` for a problem.

export function renderLaunching(): string {
  return '-----> Launching...\n';
}

/** Printed once, when a release waits for room. */
export function renderNoRoomYet(failure: Failure, patienceMs: number): string {
  const hint = failure.hint === undefined ? '' : ` !     ${failure.hint}\n`;
  return ` !     No room now: ${failure.message}\n !     Waiting up to ${formatDuration(patienceMs)} for room.\n${hint}`;
}

/** Printed when a drain begins while a user waits for a deploy. @param instances of the app, on this node */
export function renderDrain(node: string, instances: readonly string[]): string {
  const moves = instances.length === 1 ? 'moves to another node' : 'move to other nodes';
  return ` !     ${node} is being drained, so ${instances.join(', ')} ${moves}.\n`;
}

/** Printed when a rollout no longer waits for an unreachable node. */
export function renderContinues(nodes: readonly string[]): string {
  return ` !     ${nodes.join(', ')} cannot be reached any more. The rollout continues on the other nodes.\n`;
}

/** @param nodes names of nodes whose agents are too old for the health checks of the release */
export function renderUnchecked(nodes: readonly string[]): string {
  return ` !     The agents of ${nodes.join(', ')} are too old to run the health checks of this release. There, the port decides.\n !     Upgrade them: slipway nodes:upgrade ${nodes[0] ?? 'NODE'}\n`;
}

export interface LiveFacts {
  readonly version: number;
  readonly nodes: number;
  readonly url: string | undefined;
  /** The process types of the app. One is named when none of them runs. */
  readonly types: readonly string[];
  readonly timingsMs: Readonly<Record<string, number>>;
  readonly app: string;
  readonly stopped?: Stopped | undefined;
}

export function renderLive(facts: LiveFacts): string {
  return `       Released v${String(facts.version)} · ${whereLive(facts)}\n       ${renderTimings(facts.timingsMs)}\n`;
}

function whereLive({ nodes, url, types, timingsMs, app, stopped }: LiveFacts): string {
  if (nodes === 0 && stopped !== undefined)
    return `no processes are running: ${sayStopped(stopped, app)}. Start with: slipway ps:start -a ${app}`;
  if (nodes === 0)
    return `no processes are running: every type is scaled to 0. Start one with: slipway ps:scale ${types[0] ?? 'TYPE'}=1`;
  const seconds = ((timingsMs['live'] ?? 0) / 1000).toFixed(1);
  return `live on ${String(nodes)} node${nodes === 1 ? '' : 's'} in ${seconds} s${url === undefined ? '' : ` · ${url}`}`;
}

/** How many requests failed while the traffic moved. Empty when nobody counted. */
export function renderSwitch(
  report: SwitchReport | undefined,
  { version, app }: { readonly version: number; readonly app: string },
): string {
  if (report === undefined) return '';
  const uncounted = sayUncounted(report);
  const later =
    report.state === 'final' ? '' : `       The final figures: slipway releases:info v${String(version)} -a ${app}\n`;
  return `       ${saySwitch(report)}\n${later}${uncounted === undefined ? '' : ` !     ${uncounted}\n`}`;
}

export function renderFailure(
  failure: Failure,
  facts: { readonly version: number; readonly serving: number | undefined },
): string {
  const lines = [` !     ${failure.message}`];
  if (failure.lastLines !== undefined && failure.lastLines.length > 0) {
    lines.push(' !', ' !     Its last lines:', ...failure.lastLines.map((line) => `         ${line}`.trimEnd()), ' !');
  }
  const still =
    facts.serving === undefined ? 'The app has no running release yet.' : `v${String(facts.serving)} keeps serving.`;
  lines.push(` !     v${String(facts.version)} failed. ${still}`);
  if (failure.hint !== undefined) lines.push(` !     ${failure.hint}`);
  return `${lines.join('\n')}\n`;
}
