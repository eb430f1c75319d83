import type { BuildBody } from '../../shared/api/builds.ts';
import type { InstanceBody } from '../../shared/api/formation.ts';
import type { ReleaseBody } from '../../shared/api/releases.ts';
import { show, textFlag, type Cli, type CommandRun, type Flags } from '../cli.ts';
import { parseCount } from '../parse-flags.ts';
import { renderBuilds, renderReleases, type Look } from '../render/history.ts';
import { renderPs } from '../render/ps.ts';

export const ps: CommandRun = async (cli, types, flags) => {
  const app = await cli.app(flags);
  const all = await (await cli.api()).call<InstanceBody[]>('GET', `/apps/${app}/ps`);
  const body = types.length === 0 ? all : all.filter(({ type }) => types.includes(type));
  await show(cli, flags, { body, render: (instances) => renderPs(app, instances, look(cli)) });
};

export const releases: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const most = limit(flags);
  const body = await (await cli.api()).call<ReleaseBody[]>('GET', `/apps/${app}/releases?limit=${most}`);
  await show(cli, flags, {
    body,
    render: (rows) => renderReleases(app, rows, { ...look(cli), isEnd: rows.length < most }),
  });
};

export const builds: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const most = limit(flags);
  const body = await (await cli.api()).call<BuildBody[]>('GET', `/apps/${app}/builds?limit=${most}`);
  await show(cli, flags, {
    body,
    render: (rows) => renderBuilds(app, rows, { ...look(cli), isEnd: rows.length < most }),
  });
};

function look(cli: Cli): Look {
  return { paint: cli.paint, nowMs: cli.nowMs() };
}

function limit(flags: Flags): number {
  return parseCount(textFlag(flags, 'num') ?? '15', { flag: '--num', max: 1000, min: 1 });
}
