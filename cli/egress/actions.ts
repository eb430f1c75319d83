import type { AppEgressBody, EgressBody, EgressChangedBody } from '../../shared/api/egress.ts';
import { show, textFlag, type CommandRun, type Flags } from '../cli.ts';
import { renderProblems } from '../terminal/problems.ts';
import { renderAppEgress, renderEgress } from './render.ts';

export const list: CommandRun = async (cli, _args, flags) => {
  const app = textFlag(flags, 'app');
  const api = await cli.api();
  if (app === undefined) {
    const body = await api.call<EgressBody>('GET', '/egress');
    await show(cli, flags, { body, render: (answer) => renderEgress(answer, cli.paint) });
  } else {
    const body = await api.call<AppEgressBody>('GET', pathOf(flags));
    await show(cli, flags, { body, render: (answer) => renderAppEgress(answer, cli.paint) });
  }
};

export const add: CommandRun = async (cli, [cidr = ''], flags) => {
  const body = await (await cli.api()).call<EgressChangedBody>('POST', pathOf(flags), { cidr });
  const render = (answer: EgressChangedBody): string =>
    `Opened ${answer.cidr} to ${ofWhom(flags)}, builds included. Nothing needs a restart.\n${renderProblems(answer.problems, cli.paint)}`;
  await show(cli, flags, { body, render });
};

export const remove: CommandRun = async (cli, [cidr = ''], flags) => {
  const path = `${pathOf(flags)}/${encodeURIComponent(cidr)}`;
  const body = await (await cli.api()).call<EgressChangedBody>('DELETE', path);
  const app = textFlag(flags, 'app') ?? 'APP';
  const render = (answer: EgressChangedBody): string =>
    [
      `Closed ${answer.cidr} to ${ofWhom(flags)}, for new connections.`,
      `Open connections last until they end. To end them now: slipway ps:restart -a ${app}`,
      renderProblems(answer.problems, cli.paint),
    ].join('\n');
  await show(cli, flags, { body, render });
};

/** Ignores the git remote of the folder: only the flag chooses between one app and all apps. */
function pathOf(flags: Flags): string {
  const app = textFlag(flags, 'app');
  return app === undefined ? '/egress' : `/apps/${encodeURIComponent(app)}/egress`;
}

function ofWhom(flags: Flags): string {
  return textFlag(flags, 'app') ?? 'every app';
}
