import type { EgressChangedBody } from '../../shared/api/egress.ts';
import { show, textFlag, type CommandRun, type Flags } from '../cli.ts';
import { renderProblems } from '../terminal/problems.ts';
import { renderAppEgress, renderEgress } from './render.ts';

export const list: CommandRun = async (cli, _args, flags) => {
  const app = textFlag(flags, 'app');
  const api = await cli.api();
  if (app === undefined) {
    const body = await api.call('showEgress');
    await show(cli, flags, { body, render: (answer) => renderEgress(answer, cli.paint) });
  } else {
    const body = await api.call('showAppEgress', { params: { app } });
    await show(cli, flags, { body, render: (answer) => renderAppEgress(answer, cli.paint) });
  }
};

export const add: CommandRun = async (cli, [cidr = ''], flags) => {
  const app = textFlag(flags, 'app');
  const api = await cli.api();
  const body =
    app === undefined
      ? await api.call('addEgress', { body: { cidr } })
      : await api.call('addAppEgress', { params: { app }, body: { cidr } });
  const render = (answer: EgressChangedBody): string =>
    `Opened ${answer.cidr} to ${scopeOf(flags)}, builds included. Nothing needs a restart.\n${renderProblems(answer.problems, cli.paint)}`;
  await show(cli, flags, { body, render });
};

export const remove: CommandRun = async (cli, [cidr = ''], flags) => {
  const app = textFlag(flags, 'app');
  const api = await cli.api();
  const body =
    app === undefined
      ? await api.call('removeEgress', { params: { cidr } })
      : await api.call('removeAppEgress', { params: { app, cidr } });
  const render = (answer: EgressChangedBody): string =>
    [
      `Closed ${answer.cidr} to ${scopeOf(flags)}, for new connections.`,
      `Open connections last until they end. To end them now: slipway ps:restart -a ${app ?? 'APP'}`,
      renderProblems(answer.problems, cli.paint),
    ].join('\n');
  await show(cli, flags, { body, render });
};

/** Ignores the git remote of the folder: only the flag chooses between one app and all apps. */
function scopeOf(flags: Flags): string {
  return textFlag(flags, 'app') ?? 'every app';
}
