import type { JoinTokenBody } from '../../shared/api/identity.ts';
import type { NodeBody } from '../../shared/api/nodes.ts';
import type { StatusBody } from '../../shared/api/observe.ts';
import { show, textFlag, type CommandRun } from '../cli.ts';
import { parseDurationMs, parseLabels } from '../parse-flags.ts';
import { renderNodes } from '../render/apps.ts';
import { explainJoinToken, renderJoinToken } from '../render/join-token.ts';
import { renderStatus } from '../render/status.ts';

export const status: CommandRun = async (cli, _args, flags) => {
  if (flags['watch'] === true) {
    await (await import('./watch-status.ts')).watchStatus(cli, flags['json'] === true);
    return;
  }
  const body = await (await cli.api()).call<StatusBody>('GET', '/status');
  await show(cli, flags, { body, render: (of) => renderStatus(of, { paint: cli.paint, nowMs: cli.nowMs() }) });
};

export const nodes: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call<NodeBody[]>('GET', '/nodes');
  await show(cli, flags, { body, render: (rows) => renderNodes(rows, cli.paint) });
};

export const joinToken: CommandRun = async (cli, _args, flags) => {
  const api = await cli.api();
  const ttl = textFlag(flags, 'ttl');
  const label = textFlag(flags, 'label');
  const body = await api.call<JoinTokenBody>('POST', '/nodes/tokens', {
    ...(ttl === undefined ? {} : { ttlMs: parseDurationMs(ttl, '--ttl') }),
    ...(label === undefined ? {} : { labels: parseLabels(label, '--label') }),
  });
  const quiet = flags['quiet'] === true;
  await show(cli, flags, { body, render: (token) => (quiet ? `${token.token}\n` : renderJoinToken(token)) });
  if (!quiet && flags['json'] !== true) cli.note(explainJoinToken(body, cli.nowMs()));
};
