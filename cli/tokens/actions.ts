import { show, type CommandRun } from '../cli.ts';
import { renderApiTokens } from './render.ts';

export const tokens: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call('listTokens');
  await show(cli, flags, { body, render: (rows) => renderApiTokens(rows, cli.paint) });
};

export const revokeToken: CommandRun = async (cli, [id = '']) => {
  await (await cli.api()).call('removeToken', { params: { id } });
  await cli.write(`Revoked token ${id}. Programs that use it are signed out.\n`);
};
