import { show, type CommandRun } from '../cli.ts';
import { renderGarbage } from './render.ts';

export const gc: CommandRun = async (cli, _args, flags) => {
  const dryRun = flags['dryRun'] === true;
  const body = await (await cli.api()).call('collectGarbage', { body: { dryRun } });
  await show(cli, flags, { body, render: (answer) => renderGarbage(answer, cli.paint) });
};
