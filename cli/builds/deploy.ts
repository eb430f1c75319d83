import type { DeployBody } from '../../shared/api/deploys.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { show, type Cli, type CommandRun } from '../cli.ts';
import { pauseBeforePoll } from '../poll.ts';
import { renderAbort, renderDeploy } from './render-deploy.ts';

export const status: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const api = await cli.api();
  const first = await api.call('showDeploy', { params: { app } });
  const isTail = flags['tail'] === true;
  const body = isTail ? await follow(cli, { app, first, isSilent: flags['json'] === true }) : first;
  if (!isTail || flags['json'] === true)
    await show(cli, flags, { body, render: (deploy) => renderDeploy(app, deploy, cli.paint).join('') });
  if (isTail && !body.running) throwIfFailed(app, body);
};

export const abort: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('abortDeploy', { params: { app } });
  await show(cli, flags, {
    body,
    render: (deploy) => renderAbort(app, deploy, cli.paint) + renderDeploy(app, deploy, cli.paint).join(''),
  });
};

/** Prints each line that is new. Ctrl-C ends this command, not the deploy. */
async function follow(
  cli: Cli,
  { app, first, isSilent }: { readonly app: string; readonly first: DeployBody; readonly isSilent: boolean },
): Promise<DeployBody> {
  const api = await cli.api();
  let deploy = first;
  let printed = new Set<string>();
  for (;;) {
    const lines = renderDeploy(app, deploy, cli.paint);
    for (const line of lines) if (!isSilent && !printed.has(line)) await cli.write(line);
    printed = new Set(lines);
    if (!deploy.running || cli.signal.aborted) return deploy;
    await pauseBeforePoll(cli);
    deploy = await api.call('showDeploy', { params: { app } });
  }
}

function throwIfFailed(app: string, { phase, failure }: DeployBody): void {
  if (phase !== 'failed' && phase !== 'cancelled') return;
  throw new SlipwayError({
    code: 'SLIP_CLI_DEPLOY_FAILED',
    message: `The deploy of ${app} ${phase === 'failed' ? 'failed' : 'was cancelled'}${failure === undefined ? '' : `: ${failure.message}`}`,
    hint: failure?.hint ?? `See why with: slipway why ${app}`,
  });
}
