import { controlsShown, renderContext, show, type Cli, type CommandRun, type Flags } from '../cli.ts';
import type { ApiClient } from '../client.ts';
import { renderConfig } from '../terminal/config-vars.ts';
import { pageLimit } from '../parse-flags.ts';
import { escapeUntrusted } from '../terminal/escape.ts';
import { renderConfigForShell } from '../terminal/shell-assignments.ts';
import { usageError } from '../usage-error.ts';
import { renderRelease, renderReleases, renderRolledBack } from './render.ts';
import { currentVersion, parseVersion } from './version.ts';

export const releases: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const most = pageLimit(flags);
  const body = await (await cli.api()).call('listReleases', { params: { app }, query: { limit: most } });
  await show(cli, flags, {
    body,
    render: (rows) => renderReleases(app, rows, { ...renderContext(cli), isEnd: rows.length < most }),
  });
};

interface Chosen {
  readonly app: string;
  readonly version: string;
  readonly api: ApiClient;
}

/** The named release, or the current one. */
async function chosen(cli: Cli, flags: Flags, given: string | undefined): Promise<Chosen> {
  const wanted = given === undefined ? undefined : parseVersion(given, 'slipway releases:info v7');
  const app = await cli.app(flags);
  const api = await cli.api();
  return { app, api, version: String(wanted ?? (await currentVersion(api, app))) };
}

export const info: CommandRun = async (cli, [given], flags) => {
  if (flags['env'] === true && flags['shell'] === true)
    throw usageError('Use --env or --shell, not both.', 'For example: slipway releases:info v7 --shell');
  const { app, api, version } = await chosen(cli, flags, given);
  if (flags['env'] !== true && flags['shell'] !== true) {
    const body = await api.call('showRelease', { params: { app, version } });
    await show(cli, flags, { body, render: (release) => renderRelease(app, release, renderContext(cli)) });
    return;
  }
  const body = await api.callAsIs('showReleaseConfig', { params: { app, version } });
  await show(cli, flags, {
    body,
    render: (config) =>
      flags['shell'] === true ? renderConfigForShell(config) : renderConfig(`${app} v${version}`, config, cli.paint),
  });
};

export const output: CommandRun = async (cli, [given], flags) => {
  const { app, api, version } = await chosen(cli, flags, given);
  const body = await api.callAsIs('showReleaseOutput', { params: { app, version } });
  await show(cli, flags, { body, render: ({ output: text }) => escapeUntrusted(text, controlsShown(cli, flags)) });
};

export const rollback: CommandRun = async (cli, [given], flags) => {
  const version = given === undefined ? undefined : parseVersion(given, 'slipway rollback v7');
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('rollBack', { params: { app }, body: { version } });
  await show(cli, flags, { body, render: (answer) => renderRolledBack(app, answer) });
};
