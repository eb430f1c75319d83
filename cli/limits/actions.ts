import type { CeilingChanges, CeilingsBody } from '../../shared/api/formation.ts';
import { sayCeiling } from '../../shared/domain/ceilings.ts';
import { show, textFlag, type CommandRun, type Flags } from '../cli.ts';
import { parseBytes, parseCount } from '../parse-flags.ts';
import { usageError } from '../usage-error.ts';

const MOST_PIDS = 4_194_304;
// the largest kernel.pid_max

export const limits: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call('showCeilings');
  await show(cli, flags, { body, render });
};

export const setLimits: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call('changeCeilings', { body: changesOf(flags) });
  await show(cli, flags, { body, render });
};

function changesOf(flags: Flags): CeilingChanges {
  if (flags['reset'] === true) return { memoryBytes: null, pidsMax: null, diskBytes: null };
  const [memory, pids, disk] = ['memory', 'pids', 'disk'].map((name) => textFlag(flags, name));
  if ([memory, pids, disk].every((flag) => flag === undefined))
    throw usageError('Give --memory, --pids, --disk or --reset.', 'For example: slipway limits:set --memory 8G');
  return {
    ...(memory === undefined ? {} : { memoryBytes: parseBytes(memory, '--memory') }),
    ...(pids === undefined ? {} : { pidsMax: parseCount(pids, { flag: '--pids', min: 1, max: MOST_PIDS }) }),
    ...(disk === undefined ? {} : { diskBytes: parseBytes(disk, '--disk') }),
  };
}

function render({ ceilings: { memoryBytes, pidsMax, diskBytes } }: CeilingsBody): string {
  const most = `${sayCeiling('memoryBytes', memoryBytes)} memory, ${String(pidsMax)} processes, ${sayCeiling('diskBytes', diskBytes)} disk`;
  return `Each instance of an app may use at most: ${most}\n`;
}
