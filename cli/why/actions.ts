import type { WhyBody } from '../../shared/api/observe.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { show, type Cli, type CommandRun, type Flags } from '../cli.ts';
import type { ApiClient } from '../client.ts';
import { renderWhy } from './render.ts';

/** The subject is an instance (`web.1`), an app or a node. Without one, it is the app of this folder. */
export const why: CommandRun = async (cli, [subject], flags) => {
  const api = await cli.api();
  const body = await askWhy(cli, api, { subject, flags });
  await show(cli, flags, { body, render: (answer) => renderWhy(answer, cli.paint) });
};

async function askWhy(
  cli: Cli,
  api: ApiClient,
  question: { subject: string | undefined; flags: Flags },
): Promise<WhyBody> {
  const { subject, flags } = question;
  if (subject === undefined) return await api.call('GET', `/apps/${await cli.app(flags)}/why`);
  if (/\.\d+$/.test(subject))
    return await api.call('GET', `/apps/${await cli.app(flags)}/why?instance=${encodeURIComponent(subject)}`);
  const name = encodeURIComponent(subject);
  try {
    return await api.call('GET', `/apps/${name}/why`);
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.httpStatus !== 404) throw error;
    return await api.call<WhyBody>('GET', `/nodes/${name}/why`).catch((second: unknown) => {
      throw second instanceof SlipwayError && second.httpStatus === 404 ? nothingOf(subject) : second;
    });
  }
}

function nothingOf(name: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_CLI_WHY',
    message: `There is neither an app of yours nor a node named ${name}.`,
    hint: 'List your apps and the nodes with: slipway status',
  });
}
