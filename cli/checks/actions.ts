import type { ChecksChangedBody } from '../../shared/api/checks.ts';
import { renderContext, show, textFlag, type Cli, type CommandRun, type Flags } from '../cli.ts';
import { parseCount } from '../parse-flags.ts';
import { usageError } from '../usage-error.ts';
import { renderChecks } from './render.ts';

export const checks: CommandRun = async (cli, types, flags) => {
  const app = await cli.app(flags);
  const all = await (await cli.api()).call('listChecks', { params: { app } });
  const body = types.length === 0 ? all : all.filter(({ type }) => types.includes(type));
  await show(cli, flags, { body, render: (each) => renderChecks(app, each, renderContext(cli)) });
};

export const run: CommandRun = async (cli, [type], flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('runChecks', { params: { app }, body: type === undefined ? {} : { type } });
  await show(cli, flags, { body, render: (each) => renderChecks(app, each, renderContext(cli)) });
  const instances = body.flatMap((each) => each.instances);
  const isBad = instances.some(({ ran, answers }) => ran === false || answers.some(({ lastPassed }) => !lastPassed));
  if (isBad) cli.setExitCode(1);
};

export const set: CommandRun = async (cli, [type = ''], flags) => {
  const app = await cli.app(flags);
  const check = checkOf(flags);
  const body = await (await cli.api()).call('setCheck', { params: { app, type }, body: { check } });
  await showChange(cli, flags, { app, body });
};

export const unset: CommandRun = async (cli, [type = ''], flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('unsetChecks', { params: { app, type } });
  await showChange(cli, flags, { app, body });
};

async function showChange(
  cli: Cli,
  flags: Flags,
  { app, body }: { readonly app: string; readonly body: ChecksChangedBody },
): Promise<void> {
  const done = ({ version }: ChecksChangedBody): string =>
    version === undefined
      ? 'No release was made: the app has none yet, or the checks are as before.\n'
      : `Released v${String(version)}.\n`;
  await show(cli, flags, {
    body,
    render: (now) => `${renderChecks(app, now.checks, renderContext(cli))}${done(now)}`,
  });
}

/** The check in the format of app.json. The controller checks the values again. */
function checkOf(flags: Flags): Readonly<Record<string, unknown>> {
  const seconds = (name: string, flag: string, min: number): number | undefined =>
    numberOf(flags, name, { flag, min, max: 300 });
  const isTcp = flags['tcp'] === true;
  const [path, content, header] = ['path', 'content', 'header'].map((name) => textFlag(flags, name));
  if (isTcp && [path, content, header].some((each) => each !== undefined))
    throw usageError('--tcp takes no --path, --content or --header.', 'For example: slipway checks:set web --tcp');
  const fields = {
    type: textFlag(flags, 'type') ?? 'readiness',
    name: textFlag(flags, 'name'),
    port: numberOf(flags, 'port', { flag: '--port', min: 1, max: 65_535 }),
    timeout: seconds('timeout', '--timeout', 1),
    attempts: numberOf(flags, 'attempts', { flag: '--attempts', min: 1, max: 100 }),
    wait: seconds('wait', '--wait', 1),
    initialDelay: seconds('initialDelay', '--initial-delay', 0),
    ...(isTcp ? { listening: true } : { path: path ?? '/', content, httpHeaders: headersOf(header) }),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function numberOf(
  flags: Flags,
  name: string,
  rule: { readonly flag: string; readonly min: number; readonly max: number },
): number | undefined {
  const text = textFlag(flags, name);
  return text === undefined ? undefined : parseCount(text, rule);
}

function headersOf(text: string | undefined): readonly { name: string; value: string }[] | undefined {
  return text
    ?.split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const at = line.indexOf(':');
      // The message does not repeat the header, because it may be secret.
      if (at < 1)
        throw usageError('--header must be a name, a colon and a value.', "For example: --header 'Host: a.b'");
      return { name: line.slice(0, at).trim(), value: line.slice(at + 1).trim() };
    });
}
