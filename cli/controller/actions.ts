import { show, type CommandRun } from '../cli.ts';
import { renderRotation } from './render.ts';

export const rotateKey: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call('rotateKey');
  await show(cli, flags, { body, render: renderRotation });
};
