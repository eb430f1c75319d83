import { show, textFlag, type CommandRun } from '../cli.ts';
import { usageError } from '../usage-error.ts';
import { renderPromoted } from './render.ts';

export const promote: CommandRun = async (cli, _args, flags) => {
  const to = textFlag(flags, 'to');
  if (to === undefined) throw usageError('Which app gets the code?', 'Name it with: slipway promote --to OTHER-APP');
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('promoteApp', { params: { app }, body: { to } });
  await show(cli, flags, { body, render: renderPromoted });
};
