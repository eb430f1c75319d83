import { show, textFlag, type CommandRun } from '../cli.ts';
import { readPublicKey } from '../read-public-key.ts';
import { renderUsers } from './render.ts';

export const users: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call('listUsers');
  await show(cli, flags, { body, render: (rows) => renderUsers(rows, cli.paint) });
};

export const addUser: CommandRun = async (cli, [name = ''], flags) => {
  const file = textFlag(flags, 'key');
  const publicKey = file === undefined ? undefined : await readPublicKey(cli, file);
  const api = await cli.api();
  const body = await api.call('createUser', { body: { name, admin: flags['admin'] === true, publicKey } });
  await show(cli, flags, {
    body,
    render: (user) =>
      `Added ${user.name}. The token of this user, which is not shown again:\n${user.token}\n${user.name} signs in with: slipway login ${api.url} --pin PIN\n`,
  });
};
