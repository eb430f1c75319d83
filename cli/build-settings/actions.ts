import type { BuildpackEdit, BuildSettings } from '../../shared/domain/build-settings.ts';
import { show, textFlag, type Cli, type CommandRun, type Flags } from '../cli.ts';
import { usageError } from '../usage-error.ts';
import { renderBuildpacks, renderRoot } from './render.ts';

const NEXT_PUSH = 'The next push uses this.\n';

export const root: CommandRun = async (cli, [folder], flags) => {
  const isCleared = flags['clear'] === true;
  if (isCleared && folder !== undefined)
    throw usageError('Give a folder or --clear, not both.', 'For example: slipway apps:root services/api');
  const app = await cli.app(flags);
  if (!isCleared && folder === undefined) {
    await show(cli, flags, { body: await read(cli, app), render: (answer) => renderRoot(app, answer) });
    return;
  }
  const body = await change(cli, app, { root: folder ?? null });
  await show(cli, flags, { body, render: (answer) => `${renderRoot(app, answer)}${NEXT_PUSH}` });
};

export const buildpacks: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  await show(cli, flags, { body: await read(cli, app), render: (answer) => renderBuildpacks(app, answer, cli.paint) });
};

export const set: CommandRun = (cli, [name = ''], flags) =>
  edit(cli, flags, { op: 'set', name, index: indexOf(flags) });

export const add: CommandRun = (cli, [name = ''], flags) =>
  edit(cli, flags, { op: 'add', name, index: indexOf(flags) });

export const remove: CommandRun = async (cli, [name], flags) => {
  const index = indexOf(flags);
  if ((name === undefined) === (index === undefined)) {
    throw usageError(
      'Give the name of a buildpack or its --index.',
      'For example: slipway buildpacks:remove --index 1',
    );
  }
  await edit(cli, flags, { op: 'remove', name, index });
};

export const clear: CommandRun = (cli, _args, flags) => edit(cli, flags, { op: 'clear' });

async function edit(cli: Cli, flags: Flags, buildpacks: BuildpackEdit): Promise<void> {
  const app = await cli.app(flags);
  const body = await change(cli, app, { buildpacks });
  await show(cli, flags, { body, render: (now) => `${renderBuildpacks(app, now, cli.paint)}${NEXT_PUSH}` });
}

async function read(cli: Cli, app: string): Promise<BuildSettings> {
  return await (await cli.api()).call('showBuildSettings', { params: { app } });
}

async function change(
  cli: Cli,
  app: string,
  body: { readonly root?: string | null; readonly buildpacks?: BuildpackEdit },
): Promise<BuildSettings> {
  return await (await cli.api()).call('changeBuildSettings', { params: { app }, body });
}

function indexOf(flags: Flags): number | undefined {
  const text = textFlag(flags, 'index');
  if (text === undefined || /^[1-9]\d{0,3}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw usageError(
    '--index must be a number, 1 or more.',
    'For example: slipway buildpacks:add --index 1 heroku/nodejs',
  );
}
