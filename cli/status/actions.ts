import { show, type CommandRun } from '../cli.ts';
import { renderStatus } from './render.ts';

export const status: CommandRun = async (cli, _args, flags) => {
  if (flags['watch'] === true) {
    await (await import('./watch-status.ts')).watchStatus(cli, flags['json'] === true);
    return;
  }
  const body = await (await cli.api()).call('showStatus');
  await show(cli, flags, { body, render: (answer) => renderStatus(answer, { paint: cli.paint, nowMs: cli.nowMs() }) });
};
