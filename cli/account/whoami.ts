import { show, type CommandRun } from '../cli.ts';

export const whoami: CommandRun = async (cli, _args, flags) => {
  const api = await cli.api();
  const body = await api.call('whoAmI');
  await show(cli, flags, { body, render: (user) => `${user.name}${user.admin ? ' (admin)' : ''} at ${api.url}\n` });
};
