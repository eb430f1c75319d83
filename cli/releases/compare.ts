import { DEFAULT_ENV } from '../../shared/kit/exec.ts';
import { show, type Cli, type CommandRun } from '../cli.ts';
import type { ApiClient } from '../client.ts';
import { escapeAll } from '../terminal/escape.ts';
import { diffReleases, withoutValues, type ReleaseDiff, type ReleaseSide } from './diff.ts';
import { renderDiff } from './render-diff.ts';
import { parseVersion } from './version.ts';

const EXAMPLE = 'slipway releases:diff v11 v12';

export const diff: CommandRun = async (cli, [from = '', to = ''], flags) => {
  const [a, b] = [parseVersion(from, EXAMPLE), parseVersion(to, EXAMPLE)];
  const app = await cli.app(flags);
  const api = await cli.api();
  const whole = diffReleases(await read(api, app, a), await read(api, app, b));
  const body = flags['values'] === true ? whole : { ...whole, config: withoutValues(whole.config) };
  if (flags['json'] === true) return show(cli, flags, { body, render: () => '' });
  const subjects = await commitsBetween(cli, whole);
  await cli.write(renderDiff(app, escapeAll(body), { subjects, values: flags['values'] === true }));
};

async function read(api: ApiClient, app: string, version: number): Promise<ReleaseSide> {
  const params = { app, version: String(version) };
  const [release, { config }] = await Promise.all([
    api.callAsIs('showRelease', { params }),
    api.callAsIs('showReleaseConfig', { params }),
  ]);
  return { release, config };
}

const COMMIT = /^[0-9a-f]{40}$/;
const COMMITS_MAX = 50;

/** One line for each commit, when the git repository of this folder has both commits. */
async function commitsBetween(cli: Cli, { commit }: ReleaseDiff): Promise<readonly string[]> {
  if (commit === undefined || !COMMIT.test(commit.from) || !COMMIT.test(commit.to)) return [];
  const args = ['log', '--oneline', '--no-decorate', '--no-color', `--max-count=${String(COMMITS_MAX)}`];
  const range = `${commit.from}..${commit.to}`;
  const command = { file: 'git', args: [...args, range, '--'], cwd: cli.cwd, env: { ...DEFAULT_ENV, ...cli.env } };
  const result = await cli.run(command).catch(() => undefined);
  return result?.code === 0 ? escapeAll(result.stdout.trim().split('\n')).filter((line) => line !== '') : [];
}
