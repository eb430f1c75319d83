import type { StopBody } from '../../shared/api/app-life.ts';
import { sayStopped } from '../../shared/domain/placement.ts';
import { show, textFlag, type CommandRun, type Flags } from '../cli.ts';
import { oneOf } from '../parse-flags.ts';
import { sayWaiting } from './say-waiting.ts';

export const stop: CommandRun = async (cli, [word], flags) => {
  const app = await cli.app(flags);
  const api = await cli.api();
  const body = await sayWaiting(cli, app, api.call('stopApp', { params: { app }, body: requestOf(word, flags) }));
  const restart = `It stays stopped over pushes until: slipway ps:start -a ${app}\n`;
  await show(cli, flags, {
    body,
    render: (answer) => `Stopping ${sayTypes(answer)} on ${cli.paint.bold(app)}... done\n${restart}`,
  });
};

export const start: CommandRun = async (cli, [word], flags) => {
  const app = await cli.app(flags);
  const api = await cli.api();
  const body = await sayWaiting(cli, app, api.call('startApp', { params: { app }, body: requestOf(word, flags) }));
  await show(cli, flags, {
    body,
    render: (answer) => {
      const rest = answer.stopped === undefined ? '' : `${sayStopped(answer.stopped, app)}.\n`;
      return `Starting ${sayTypes(answer)} on ${cli.paint.bold(app)}... done\n${rest}`;
    },
  });
};

function requestOf(word: string | undefined, flags: Flags): { readonly process?: string } {
  const process = oneOf([word, textFlag(flags, 'processType')], 'slipway ps:stop worker');
  return process === undefined ? {} : { process };
}

function sayTypes({ types }: StopBody): string {
  return types.length === 0 ? 'all process types' : types.join(', ');
}
