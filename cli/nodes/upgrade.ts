import type { UpgradeBody } from '../../shared/api/nodes.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { CommandRun } from '../cli.ts';
import { renderUpgradeChanges, renderUpgradeEnd } from './render-upgrade.ts';

const POLL_MS = 500;

/** The controller continues when this command is interrupted. */
export const upgrade: CommandRun = async (cli, nodes, flags) => {
  const api = await cli.api();
  const quiet = flags['json'] === true;
  let body =
    flags['watch'] === true
      ? await api.call('showUpgrade')
      : await api.call('startUpgrade', { body: { nodes: [...nodes] } });
  let before: UpgradeBody | undefined;
  for (;;) {
    if (!quiet) await cli.write(renderUpgradeChanges(before, body));
    if (body.state !== 'running') break;
    before = body;
    await systemClock.sleep(POLL_MS, cli.signal);
    body = await api.call('showUpgrade');
  }
  await cli.write(quiet ? `${JSON.stringify(body, undefined, 2)}\n` : renderUpgradeEnd(body));
  if (body.state === 'failed') throw failed(body);
};

function failed({ nodes }: UpgradeBody): SlipwayError {
  const left = nodes.filter(({ state }) => state === 'waiting').length;
  const names = nodes.filter(({ state }) => state === 'failed').map(({ name }) => name);
  return new SlipwayError({
    code: 'SLIP_CLI_UPGRADE',
    message: `The upgrade failed on ${names.join(', ')}. ${left === 0 ? 'No node was' : `${String(left)} nodes were`} left to upgrade.`,
    hint: 'Fix the reported problem, then run again: slipway nodes:upgrade',
  });
}
