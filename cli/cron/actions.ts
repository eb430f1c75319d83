import { renderContext, show, type CommandRun } from '../cli.ts';
import { pageLimit } from '../parse-flags.ts';
import { renderCron, renderCronRuns, renderOutput } from './render.ts';

export const list: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('listCron', { params: { app } });
  await show(cli, flags, { body, render: (entries) => renderCron(app, entries, renderContext(cli)) });
};

export const suspend: CommandRun = async (cli, [entry = ''], flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('suspendCron', { params: { app, entry } });
  await show(cli, flags, {
    body,
    render: ({ name }) => `${name} of ${app} does not run until you resume it: slipway cron:resume ${name} -a ${app}\n`,
  });
};

export const resume: CommandRun = async (cli, [entry = ''], flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('resumeCron', { params: { app, entry } });
  await show(cli, flags, { body, render: (resumed) => renderCron(app, [resumed], renderContext(cli)) });
};

export const history: CommandRun = async (cli, [entry], flags) => {
  const app = await cli.app(flags);
  const query = { limit: pageLimit(flags), ...(entry === undefined ? {} : { entry }) };
  const body = await (await cli.api()).call('listCronRuns', { params: { app }, query });
  await show(cli, flags, { body, render: (runs) => renderCronRuns(app, runs, renderContext(cli)) });
};

export const output: CommandRun = async (cli, [run = ''], flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('showCronRun', { params: { app, run } });
  await show(cli, flags, { body, render: renderOutput });
};
