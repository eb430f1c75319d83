import { show, type CommandRun } from '../cli.ts';
import { usageError } from '../usage-error.ts';
import { renderFronts } from './render.ts';

/** Nobody is trusted any more. */
const OFF = 'off';

export const trust: CommandRun = async (cli, fronts, flags) => {
  const api = await cli.api();
  const isProxyProtocol = flags['proxyProtocol'] === true;
  const body =
    fronts.length === 0 && !isProxyProtocol
      ? await api.call('showFronts')
      : await api.call('setFronts', { body: changeOf(fronts, isProxyProtocol) });
  await show(cli, flags, { body, render: (answer) => renderFronts(answer, cli.paint) });
};

/** `off` alone empties both lists. */
function changeOf(
  fronts: readonly string[],
  isProxyProtocol: boolean,
): { trusted?: string[]; proxyProtocol?: string[] } {
  const isOff = fronts.includes(OFF);
  if (fronts.length === 0 || (isOff && fronts.length > 1)) {
    throw usageError(
      fronts.length === 0 ? '--proxy-protocol needs the addresses of load balancers, or off.' : 'off stands alone.',
      'For example: slipway proxy:trust 10.0.5.0/24 --proxy-protocol',
    );
  }
  if (isOff && !isProxyProtocol) return { trusted: [], proxyProtocol: [] };
  const entries = isOff ? [] : [...fronts];
  return isProxyProtocol ? { proxyProtocol: entries } : { trusted: entries };
}
