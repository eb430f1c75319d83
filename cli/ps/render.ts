import type { InstanceBody } from '../../shared/api/formation.ts';
import { sayCrashLoop } from '../../shared/domain/crash-loop.ts';
import { sayStopped } from '../../shared/domain/placement.ts';
import { oneLine } from '../terminal/escape.ts';
import type { RenderContext } from '../terminal/render-context.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderAgo, renderTime } from '../terminal/time.ts';

/** The words of Heroku for the states of an instance. */
const STATE_LABELS: Readonly<Record<InstanceBody['state'], string>> = {
  pending: 'starting',
  fetching: 'starting',
  starting: 'starting',
  live: 'up',
  backoff: 'crashed',
  stopping: 'stopping',
  stopped: 'stopped',
  failed: 'crashed',
  unknown: 'unknown',
};

interface PsContext extends RenderContext {
  /** Process types that `ps:stop` stopped. */
  readonly stopped?: readonly string[];
}

/** Instances by process type, as `heroku ps` shows them. */
export function renderPs(
  app: string,
  instances: readonly InstanceBody[],
  { stopped = [], ...context }: PsContext,
): string {
  const visible = instances.filter((instance) => instance.desired !== 'stop' || instance.state !== 'stopped');
  const note = stopped.length === 0 ? '' : `${sayStopped(stopped, app)} until: slipway ps:start -a ${app}\n`;
  if (visible.length === 0 && note !== '') return note;
  if (visible.length === 0)
    return `${app} runs no processes. Deploy it with: git push slipway main. Or, if every type is scaled to 0: slipway ps:scale TYPE=1 -a ${app}\n`;
  const types = Map.groupBy(visible, (instance) => instance.type);
  const sections = [...types].sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b));
  return note + sections.map(([type, members]) => renderType(type, members, context)).join('\n');
}

function rank(type: string): number {
  return type === 'web' ? 0 : 1;
}

function renderType(type: string, members: readonly InstanceBody[], context: RenderContext): string {
  const wanted = new Set(members.flatMap((instance) => (instance.desired === 'run' ? [instance.name] : []))).size;
  const command = members.find((instance) => instance.command !== '')?.command ?? '';
  const title = `=== ${context.paint.bold(type)} (${wanted}): ${context.paint.cyan(command)}\n`;
  return (
    title +
    [...members]
      .sort(byName)
      .map((instance) => renderInstance(instance, context))
      .join('')
  );
}

function byName(a: InstanceBody, b: InstanceBody): number {
  return a.name.localeCompare(b.name, 'en', { numeric: true }) || a.release - b.release;
}

function renderInstance(instance: InstanceBody, context: RenderContext): string {
  const { nowMs } = context;
  const notes = [`on ${instance.node}`, `v${instance.release}`, ...notesOf(instance, nowMs)].join(', ');
  const reason =
    instance.reason === undefined ? '' : `\n      ${oneLine(`${instance.reason.message}${hint(instance)}`)}`;
  return `${instance.name}: ${shownState(instance, context)}, ${notes}${reason}\n`;
}

function shownState(instance: InstanceBody, { paint, nowMs }: RenderContext): string {
  const { crashLoop, startedAtMs } = instance;
  if (crashLoop !== undefined) return paint.red(sayCrashLoop(crashLoop, { ...instance, nowMs }));
  const since = startedAtMs === undefined ? '' : ` ${renderTime(startedAtMs)} (${renderAgo(startedAtMs, nowMs)})`;
  const label = isUnready(instance) ? 'not ready' : STATE_LABELS[instance.state];
  return `${colour(instance, paint)(label)}${since}`;
}

/** It is up, and its health checks fail. */
function isUnready({ state, ready }: InstanceBody): boolean {
  return state === 'live' && ready === false;
}

function hint({ reason }: InstanceBody): string {
  return reason?.hint === undefined ? '' : ` ${reason.hint}`;
}

function notesOf(instance: InstanceBody, nowMs: number): readonly string[] {
  const standby = instance.desired === 'standby' ? ['standby for a rollback'] : [];
  if (instance.restarts === 0) return standby;
  const times = instance.restarts === 1 ? 'restarted once' : `restarted ${instance.restarts} times`;
  return [`${times}${lastExitNote(instance, nowMs)}`, ...standby];
}

/** The reason for the last restart, also if the instance is up again. */
function lastExitNote({ lastExit, reason }: InstanceBody, nowMs: number): string {
  if (lastExit === undefined || reason !== undefined) return '';
  return ` (${describeExit(lastExit)} ${renderAgo(lastExit.atMs, nowMs)})`;
}

function describeExit(exit: NonNullable<InstanceBody['lastExit']>): string {
  if (exit.oomKilled)
    return exit.oomOfNode === true ? 'killed because its node ran out of memory' : 'ran out of memory';
  if (exit.signal !== undefined) return `ended by ${exit.signal}`;
  return exit.code === undefined ? 'ended' : `exited with code ${exit.code}`;
}

function colour(instance: InstanceBody, paint: Paint): (text: string) => string {
  if (instance.state === 'live') return isUnready(instance) ? paint.yellow : paint.green;
  return instance.state === 'backoff' || instance.state === 'failed' ? paint.red : paint.yellow;
}
