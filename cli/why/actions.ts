import type { WhyBody } from '../../shared/api/observe.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { show, type Cli, type CommandRun, type Flags } from '../cli.ts';
import type { ApiClient } from '../client.ts';
import { renderWhy } from './render.ts';

/** The subject is an instance (`web.1`), a domain, an app or a node. Without one, it is the app of this folder. */
export const why: CommandRun = async (cli, [subject], flags) => {
  const api = await cli.api();
  const body = await askWhy(cli, api, { subject, flags });
  await show(cli, flags, { body, render: (answer) => renderWhy(answer, cli.paint) });
};

async function askWhy(
  cli: Cli,
  api: ApiClient,
  { subject, flags }: { readonly subject: string | undefined; readonly flags: Flags },
): Promise<WhyBody> {
  if (subject === undefined) return await api.call('whyApp', { params: { app: await cli.app(flags) } });
  if (/\.\d+$/.test(subject))
    return await api.call('whyApp', { params: { app: await cli.app(flags) }, query: { instance: subject } });
  if (subject.includes('.')) return await api.call('whyDomain', { params: { hostname: subject } });
  try {
    return await api.call('whyApp', { params: { app: subject } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return await api.call('whyNode', { params: { node: subject } }).catch((second: unknown) => {
      throw isNotFound(second) ? subjectNotFound(subject) : second;
    });
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof SlipwayError && error.httpStatus === 404;
}

function subjectNotFound(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CLI_WHY',
    message: `There is neither an app of yours nor a node named ${name}.`,
    hint: 'List your apps and the nodes with: slipway status',
  });
}
