import type { AppHttpsBody } from '../../shared/api/https.ts';
import type { ProblemBody } from '../../shared/api/schema.ts';
import { show, type CommandRun } from '../cli.ts';
import { usageError } from '../usage-error.ts';
import { renderCanonical } from './render-canonical.ts';

export const canonical: CommandRun = async (cli, [hostname], flags) => {
  const isUnset = flags['unset'] === true;
  if (isUnset && hostname !== undefined) {
    throw usageError('Give a name or --unset, not both.', 'slipway domains:canonical --unset');
  }
  const app = await cli.app(flags);
  const api = await cli.api();
  const params = { app };
  const wanted = isUnset ? null : hostname;
  const https =
    wanted === undefined
      ? await api.call('readHttps', { params })
      : await api.call('setHttps', { params, body: { canonical: wanted } });
  const body = { ...(await api.call('listDomains', { params })), problems: problemsOf(https) };
  await show(cli, flags, { body, render: (answer) => renderCanonical(app, answer, cli.paint) });
};

/** Also says what happens while the canonical name has no certificate. */
function problemsOf({ canonical: name, redirect, names, problems = [] }: AppHttpsBody): readonly ProblemBody[] {
  const isServed = names.some(({ hostname, everywhere }) => hostname === name && everywhere);
  if (name === undefined || isServed) return problems;
  const until = redirect ? 'Until then, plain' : 'Plain';
  const message = `Not every node serves a certificate for ${name}. ${until} requests are redirected to http://${name}, and requests over HTTPS are not redirected.`;
  return [...problems, { message, next: `slipway why ${name}` }];
}
