import type { AppHttpsBody } from '../../shared/api/https.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { renderContext, show, textFlag, type Cli, type CommandRun, type Flags } from '../cli.ts';
import { usageError } from '../usage-error.ts';
import { renderAuto, renderCheck } from './render-automatic.ts';

export const check: CommandRun = async (cli, [hostname = ''], flags) => {
  const body = await (await cli.api()).call('checkDomain', { params: { hostname } });
  await show(cli, flags, { body, render: (answer) => renderCheck(answer, cli.paint) });
  if (body.problem !== undefined) cli.setExitCode(1);
};

/** Heroku has `certs:auto:enable`, Dokku `letsencrypt:enable`. */
export const auto: CommandRun = async (cli, [state], flags) => {
  if (state !== undefined && state !== 'enable' && state !== 'disable') {
    throw usageError(`certs:auto takes enable or disable, not ${state}.`, 'slipway certs:auto enable');
  }
  const app = await cli.app(flags);
  const body = await ask(cli, app, { state, flags });
  await show(cli, flags, { body, render: (answer) => renderAuto(app, answer, renderContext(cli)) });
};

async function ask(
  cli: Cli,
  app: string,
  { state, flags }: { readonly state: 'enable' | 'disable' | undefined; readonly flags: Flags },
): Promise<AppHttpsBody> {
  const api = await cli.api();
  const params = { app };
  if (state === undefined) return await api.call('readHttps', { params });
  if (state === 'disable') await confirm(cli, app, textFlag(flags, 'confirm'));
  return await api.call('setHttps', { params, body: { auto: state === 'enable' } });
}

async function confirm(cli: Cli, app: string, typed: string | undefined): Promise<void> {
  const answer =
    typed ?? (await cli.readLine(`This ends the automatic certificates of ${app}. Type ${app} to confirm: `));
  if (answer?.trim() === app) return;
  throw new SlipwayError({
    code: 'SLIP_CLI_CONFIRM',
    message: `Nothing was changed: to end the automatic certificates of ${app}, confirm with its name.`,
    hint: `slipway certs:auto disable -a ${app} --confirm ${app}`,
  });
}
