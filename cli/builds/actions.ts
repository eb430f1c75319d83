import { SlipwayError } from '../../shared/kit/errors.ts';
import { controlsShown, renderContext, show, type Cli, type CommandRun } from '../cli.ts';
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

export const cancel: CommandRun = async (cli, [given], flags) => {
  const app = await cli.app(flags);
  const api = await cli.api();
  const id = given ?? (await runningBuild(cli, app));
  const body = await api.call('cancelBuild', { params: { app, id } });
  await show(cli, flags, {
    body,
    render: (build) => `Cancelled the build ${build.id} of ${build.commit.slice(0, 7)}.\n`,
  });
};

async function runningBuild(cli: Cli, app: string): Promise<string> {
  const builds = await (await cli.api()).call('listBuilds', { params: { app } });
  const running = builds.find(({ state }) => state === 'running' || state === 'queued');
  if (running !== undefined) return running.id;
  throw new SlipwayError({
    code: 'SLIP_CLI_NO_BUILD',
    message: `${app} has no running build.`,
    hint: `See its builds with: slipway builds -a ${app}`,
  });
}

function noBuild(app: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CLI_NO_BUILD',
    message: `${app} has no builds yet.`,
    hint: 'Start one with: git push slipway main',
  });
}
