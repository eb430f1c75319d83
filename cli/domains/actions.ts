import type { DomainAddedBody, DomainsClearedBody } from '../../shared/api/domains.ts';
import type { DomainCheckedBody, NameHttpsBody } from '../../shared/api/https.ts';
import { show, type CommandRun } from '../cli.ts';
import type { ApiClient } from '../client.ts';
import { renderWarning, sayServed } from '../name-https.ts';
import { renderAdded, renderChange, renderDomains, renderRemoved } from './render.ts';
import { waitForHttps } from './wait-for-https.ts';
import { waitForProof } from './wait-for-proof.ts';

export const list: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('listDomains', { params: { app } });
  await show(cli, flags, { body, render: (answer) => renderDomains(app, answer, cli.paint) });
};

export const add: CommandRun = async (cli, [hostname = ''], flags) => {
  const app = await cli.app(flags);
  const isJson = flags['json'] === true;
  const api = await cli.api();
  const force = flags['force'] === true ? { force: true } : {};
  const ask = async (): Promise<DomainAddedBody> =>
    await api.call('addDomain', { params: { app }, body: { hostname, ...force } });
  const body = await (flags['wait'] === false
    ? ask()
    : waitForProof(cli, { add: ask, say: (text) => (isJson ? undefined : cli.note(text)) }));
  if (body === undefined) return;
  if (!isJson) await cli.write(renderAdded(app, body, cli.paint));
  const { https } = body;
  if (https === undefined || flags['wait'] === false) {
    if (isJson) await show(cli, flags, { body, render: () => '' });
    return;
  }
  const say = async (text: string): Promise<void> => (isJson ? undefined : await cli.write(text));
  const served = await waitForHttps(cli, api, { first: https, say });
  const warning = await frontWarning(api, served);
  const render = (): string => sayEnd(served) + renderWarning(warning, cli.paint);
  await show(cli, flags, { body: { ...body, https: served, ...(warning === undefined ? {} : { warning }) }, render });
};

/** What a front proxy, such as Cloudflare, does to the requests for a name that is served. */
async function frontWarning(api: ApiClient, served: NameHttpsBody): Promise<DomainCheckedBody['warning']> {
  if (served.state !== 'serving') return undefined;
  return (await api.call('checkDomain', { params: { hostname: served.hostname } })).warning;
}

function sayEnd(served: NameHttpsBody): string {
  return served.state === 'serving' ? sayServed(served) : '';
}

export const remove: CommandRun = async (cli, [hostname = ''], flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('removeDomain', { params: { app, hostname } });
  await cli.write(renderRemoved(app, body ?? { hostname }, cli.paint));
};

export const clear: CommandRun = async (cli, _args, flags) => {
  const app = await cli.app(flags);
  const body = await (await cli.api()).call('clearDomains', { params: { app } });
  const render = (answer: DomainsClearedBody): string =>
    renderChange(
      `Removed ${answer.removed === 1 ? '1 domain' : `${answer.removed} domains`} from ${app}.`,
      answer,
      cli.paint,
    );
  await show(cli, flags, { body, render });
};
