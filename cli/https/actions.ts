import type { AppHttpsBody } from '../../shared/api/https.ts';
import { renderContext, show as showBody, type CommandRun } from '../cli.ts';
import { usageError } from '../usage-error.ts';
import { renderHttps, renderRedirect } from './render.ts';

export const show: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('readHttps', { params: { app } });
  await showBody(cli, flags, { body, render: (answer) => renderHttps(app, answer, renderContext(cli)) });
};

export const redirect: CommandRun = async (cli, [state], flags) => {
  if (state !== undefined && state !== 'on' && state !== 'off') {
    throw usageError(`https:redirect takes on or off, not ${state}.`, 'slipway https:redirect off');
  }
  const app = await cli.app(flags);
  const api = await cli.api();
  const params = { app };
  const body: AppHttpsBody =
    state === undefined
      ? await api.call('readHttps', { params })
      : await api.call('setHttps', { params, body: { redirect: state === 'on' } });
  await showBody(cli, flags, { body, render: (answer) => renderRedirect(app, answer, cli.paint) });
};
