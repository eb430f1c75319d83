import type { ChecksChangedBody } from '../../shared/api/checks.ts';
import { renderContext, show, type Cli, type CommandRun, type Flags } from '../cli.ts';
import { checkOf } from './check-of.ts';
import { renderChange, renderChecks } from './render.ts';

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

export const disable: CommandRun = async (cli, [type = ''], flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('setCheck', { params: { app, type }, body: { disabled: true } });
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
  await show(cli, flags, { body, render: (now) => renderChange(app, now, renderContext(cli)) });
}
