import type { PlannedMoveBody, RebalanceBody } from '../../shared/api/nodes.ts';
import { show, type Cli, type CommandRun } from '../cli.ts';
import { pauseBeforePoll } from '../poll.ts';
import { renderMoves } from './render.ts';

export const rebalance: CommandRun = async (cli, _args, flags) => {
  const api = await cli.api();
  const go = flags['yes'] === true;
  const body = await api.call(go ? 'startRebalance' : 'planRebalance');
  if (!go || flags['json'] === true)
    return show(cli, flags, { body, render: (answer) => renderMoves(answer, cli.paint) });
  await cli.write(renderMoves(body, cli.paint));
  await followMoves(cli, body);
};

async function followMoves(cli: Cli, started: RebalanceBody): Promise<void> {
  const api = await cli.api();
  const done = new Set<number>();
  for (let now = started; now.running && !cli.signal.aborted;) {
    await pauseBeforePoll(cli);
    now = await api.call('showRebalanceProgress');
    for (const [at, move] of now.moves.entries()) {
      const end = ENDS[move.state]?.(move);
      if (end === undefined || done.has(at)) continue;
      done.add(at);
      await cli.write(`${move.instance} of ${move.app} ${end}\n`);
    }
  }
}

const ENDS: Readonly<Partial<Record<PlannedMoveBody['state'], (move: PlannedMoveBody) => string>>> = {
  moved: ({ to }) => `is on ${to} now`,
  stayed: ({ from }) => `stayed on ${from}; see the reason with: slipway events`,
};
