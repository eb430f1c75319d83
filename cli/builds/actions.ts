import { SlipwayError } from '../../shared/kit/errors.ts';
import { controlsShown, renderContext, show, type CommandRun } from '../cli.ts';
import { linesOf } from '../lines.ts';
import { pageLimit } from '../parse-flags.ts';
import { escapeUntrusted } from '../terminal/escape.ts';
import { renderBuilds } from './render.ts';

export const builds: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const most = pageLimit(flags);
  const body = await (await cli.api()).call('listBuilds', { params: { app }, query: { limit: most } });
  await show(cli, flags, {
    body,
    render: (rows) => renderBuilds(app, rows, { ...renderContext(cli), isEnd: rows.length < most }),
  });
};

export const buildOutput: CommandRun = async (cli, [given], flags) => {
  const app = await cli.app(flags);
  const api = await cli.api();
  const id = given ?? (await api.call('listBuilds', { params: { app }, query: { limit: 1 } }))[0]?.id;
  if (id === undefined) throw noBuild(app);
  const answer = await api.stream(
    'readBuildOutput',
    { params: { app, id }, query: { follow: true } },
    { signal: cli.signal, silenceMs: 0 },
  );
  for await (const line of linesOf(answer)) {
    if (flags['json'] === true) await cli.write(`${JSON.stringify({ build: id, line })}\n`);
    else await cli.write(`${escapeUntrusted(line, controlsShown(cli, flags))}\n`);
  }
};

function noBuild(app: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CLI_NO_BUILD',
    message: `${app} has no builds yet.`,
    hint: 'Start one with: git push slipway main',
  });
}
