import type { ChecksChangedBody, TypeChecksBody } from '../../shared/api/checks.ts';
import type { RenderContext } from '../terminal/render-context.ts';
import { renderSwitch } from '../terminal/switch-lines.ts';
import { renderTable, type Cell } from '../terminal/table.ts';
import { renderAgo } from '../terminal/time.ts';

type Check = TypeChecksBody['checks'][number];
type Instance = TypeChecksBody['instances'][number];

/** The checks of each process type in a table, and below them what each instance answered last. */
export function renderChecks(app: string, types: readonly TypeChecksBody[], context: RenderContext): string {
  if (types.length === 0)
    return `${app} has no health checks. A web instance counts as started when its port answers. Set one with: slipway checks:set web --path /up -a ${app}\n`;
  return types.map((each) => renderType(each, context)).join('\n');
}

/** What `checks:set`, `checks:disable` and `checks:unset` did. */
export function renderChange(
  app: string,
  { version, checks, ...rest }: ChecksChangedBody,
  context: RenderContext,
): string {
  const done =
    version === undefined
      ? 'No release was made: the app has none yet, or the checks are as before.'
      : `Released v${String(version)}.`;
  return `${renderChecks(app, checks, context)}${done}\n${renderSwitch(rest.switch).join('')}`;
}

function renderType({ type, source, checks, instances }: TypeChecksBody, context: RenderContext): string {
  const set = checks.length === 0 ? 'disabled with checks:disable' : 'set with checks:set';
  const from = source === 'settings' ? set : 'from app.json';
  const title = `=== ${context.paint.bold(type)} (${from})\n`;
  const answers = instances.flatMap((one) => renderAnswers(one, context));
  return `${title}${renderTable(checks.map(checkRow))}${answers.length === 0 ? '' : `\n${renderTable(answers)}`}`;
}

function checkRow({ type, name = '', asks, content, headers = {}, ...timing }: Check): Cell[] {
  const names = Object.keys(headers);
  const wants = [
    ...(content === undefined ? [] : [`expects ${JSON.stringify(content)}`]),
    ...(names.length === 0 ? [] : [`sends ${names.join(', ')}`]),
  ];
  const delay = timing.initialDelayMs === 0 ? '' : `, after ${seconds(timing.initialDelayMs)}`;
  const attempts = `${String(timing.attempts)} attempts of ${seconds(timing.timeoutMs)}, every ${seconds(timing.waitMs)}${delay}`;
  return [type, name, asks, timing.probe === 'uptime' ? '' : attempts, wants.join(', ')];
}

/** The values of headers are not shown, because they may be secret. */
function renderAnswers({ name, node, ready, answers, ran }: Instance, { paint, nowMs }: RenderContext): Cell[][] {
  const state: Cell =
    ready === undefined
      ? ''
      : ready
        ? { text: 'ready', paint: paint.green }
        : { text: 'not ready', paint: paint.yellow };
  if (ran === false) return [[name, `on ${node}`, state, { text: 'did not answer in time', paint: paint.red }]];
  if (answers.length === 0) return [[name, `on ${node}`, state, 'no answer yet']];
  return answers.map(({ check, passed, lastPassed, answer, sinceMs }, at) => [
    ...(at === 0 ? [name, `on ${node}`, state] : ['', '', '']),
    { text: passed ? 'passes' : 'fails', paint: passed ? paint.green : paint.red },
    `${check}: ${answer}${passed && !lastPassed ? ' (only the last attempt failed)' : ''}`,
    `since ${renderAgo(sinceMs, nowMs)}`,
  ]);
}

function seconds(ms: number): string {
  return `${String(ms / 1000)} s`;
}
