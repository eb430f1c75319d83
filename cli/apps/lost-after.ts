import type { LostAfterBody } from '../../shared/api/nodes.ts';
import { formatDuration } from '../../shared/kit/duration.ts';
import { show, type CommandRun } from '../cli.ts';
import { parseDurationMs } from '../parse-flags.ts';

export const lostAfter: CommandRun = async (cli, [duration], flags) => {
  const api = await cli.api();
  const app = await cli.app(flags);
  const body =
    duration === undefined
      ? await api.call('showLostAfter', { params: { app } })
      : await api.call('setLostAfter', { params: { app }, body: { lostAfterMs: parseLostAfter(duration) } });
  await show(cli, flags, { body, render: (answer) => renderLostAfter(app, answer) });
};

function parseLostAfter(text: string): number | 'never' | null {
  if (text === 'never') return 'never';
  return text === 'default' ? null : parseDurationMs(text, 'The duration', 'slipway apps:lost-after 15m');
}

export function renderLostAfter(app: string, { lostAfterMs, defaultMs }: LostAfterBody): string {
  if (lostAfterMs === 'never') return `${app}: instances never move, no matter how long their node is silent.\n`;
  const common = lostAfterMs === undefined ? " (the controller's default)" : '';
  return `${app}: instances start on other nodes when their node has been silent for ${formatDuration(lostAfterMs ?? defaultMs)}${common}.\n`;
}
