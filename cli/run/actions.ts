import type { RunBody } from '../../shared/api/runs.ts';
import { renderContext, show, textFlag, type CommandRun } from '../cli.ts';
import { pageLimit, parseCount } from '../parse-flags.ts';
import { printLogs } from '../print-logs.ts';
import { usageError } from '../usage-error.ts';
import { commandLine } from './command-line.ts';
import { newRun } from './run-flags.ts';
import { renderRuns } from './render.ts';

export const detached: CommandRun = async (cli, words, flags) => {
  const app = await cli.app(flags);
  const body = await (
    await cli.api()
  ).call('startRun', { params: { app }, body: { ...newRun(flags), command: commandLine(words) } });
  const next = `Run slipway run:logs ${body.name} --tail -a ${app} to see its output.\n`;
  await show(cli, flags, {
    body,
    render: (run) => `Running ${cli.paint.cyan(run.command)} on ${app}... done, ${run.name}\n${next}`,
  });
};

export const list: CommandRun = async (cli, _words, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('listRuns', { params: { app }, query: { limit: pageLimit(flags) } });
  await show(cli, flags, { body, render: (runs) => renderRuns(app, runs, renderContext(cli)) });
};

export const runLogs: CommandRun = async (cli, [name], flags) => {
  const app = await cli.app(flags);
  const { name: process } = await (await cli.api()).call('showRun', { params: { app, run: required(name) } });
  const lines = parseCount(textFlag(flags, 'num') ?? '100', { flag: '--num', min: 0, max: 1500 });
  const follow = flags['tail'] === true ? true : undefined;
  await printLogs(cli, { app, query: { lines, process, source: undefined, follow } }, flags);
};

export const stop: CommandRun = async (cli, [name], flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('stopRun', { params: { app, run: required(name) } });
  await show(cli, flags, { body, render: (run) => `Stopping ${run.name} on ${app}... ${stopped(run)}\n` });
};

function stopped({ state }: RunBody): string {
  return state === 'running' || state === 'pending' ? 'done' : `it had ended already (${state})`;
}

function required(name: string | undefined): string {
  if (name !== undefined) return name;
  throw usageError('Name the one-off command.', 'List them with: slipway run:list');
}
