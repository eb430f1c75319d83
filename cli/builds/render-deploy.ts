import type { DeployBody } from '../../shared/api/deploys.ts';
import { renderSwitch } from '../terminal/switch-lines.ts';
import { saySession } from '../terminal/session-rows.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderTime } from '../terminal/time.ts';

const PHASES: Readonly<Record<DeployBody['phase'], string>> = {
  none: 'never deployed',
  queued: 'the build waits for a place',
  building: 'building',
  waiting: 'waits for its turn, for room, or for the release command',
  starting: 'starting instances',
  settling: 'every instance is live; checking that they stay up',
  live: 'live',
  failed: 'failed',
  cancelled: 'cancelled',
  unknown: 'in a state that this version of slipway does not know',
};

/** One line for the deploy, one for each instance of its release, and one for each session in an instance that it replaces. */
export function renderDeploy(app: string, deploy: DeployBody, paint: Paint): readonly string[] {
  const { version, instances, command } = deploy;
  const running = command === undefined ? [] : [renderCommand(app, version, command)];
  const shown = instances.map(({ name, node, state }) => `  ${name} on ${node}: ${state === 'live' ? 'up' : state}\n`);
  const sessions = (deploy.sessions ?? []).map(
    (session) =>
      `  ${saySession(session)} of v${String(session.release)} on ${session.node}; it ends with that instance\n`,
  );
  return [renderHead(app, deploy, paint), ...running, ...shown, ...sessions, ...renderSwitch(deploy.switch)];
}

/** What `deploy:abort` did. */
export function renderAbort(app: string, { stoppedScripts }: DeployBody, paint: Paint): string {
  if (stoppedScripts === undefined) return `Aborted the deploy of ${paint.bold(app)}.\n`;
  const { version, liveVersion } = stoppedScripts;
  return `Stopped the scripts of v${String(version)}; v${String(liveVersion)} stays live.\n`;
}

function renderHead(app: string, deploy: DeployBody, paint: Paint): string {
  const { phase, version, build, user, failure, command } = deploy;
  const what =
    version === undefined ? (build === undefined ? '' : ` of ${build.commit.slice(0, 7)}`) : ` v${String(version)}`;
  const where = build?.node === undefined ? '' : ` on ${build.node}`;
  const by = user === undefined ? '' : ` (${user})`;
  const why = failure === undefined ? '' : `: ${failure.message}`;
  const says = command === undefined || phase !== 'waiting' ? PHASES[phase] : `runs ${titleOf(command)}`;
  return `${app}${what}${by}: ${colourOf(phase, paint)(says)}${where}${why}\n`;
}

function renderCommand(app: string, version: number | undefined, command: NonNullable<DeployBody['command']>): string {
  const { node, startedAtMs } = command;
  const title = titleOf(command);
  const output = `slipway releases:output v${String(version)} -a ${app}`;
  return `  Running ${title} on node ${node} since ${renderTime(startedAtMs)} UTC. See the output with: ${output}\n`;
}

function titleOf({ script = 'the release command' }: NonNullable<DeployBody['command']>): string {
  return script;
}

function colourOf(phase: DeployBody['phase'], paint: Paint): (text: string) => string {
  if (phase === 'failed' || phase === 'cancelled') return paint.red;
  return phase === 'live' ? paint.green : paint.yellow;
}
