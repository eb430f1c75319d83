import { show, textFlag, type CommandRun } from '../cli.ts';
import { parseDurationMs, parseLabels } from '../parse-flags.ts';
import { explainJoinToken, renderJoinToken, renderJoinTokens, renderRejoinToken } from './render-join-tokens.ts';

export const joinToken: CommandRun = async (cli, _args, flags) => {
  const api = await cli.api();
  const ttl = textFlag(flags, 'ttl');
  const label = textFlag(flags, 'label');
  const body = await api.call('createJoinToken', {
    body: {
      ...(ttl === undefined ? {} : { ttlMs: parseDurationMs(ttl, '--ttl') }),
      ...(label === undefined ? {} : { labels: parseLabels(label, '--label') }),
    },
  });
  const quiet = flags['quiet'] === true;
  await show(cli, flags, { body, render: (token) => (quiet ? `${token.token}\n` : renderJoinToken(token)) });
  if (!quiet && flags['json'] !== true) cli.note(explainJoinToken(body, cli.nowMs()));
};

export const rejoin: CommandRun = async (cli, [node = ''], flags) => {
  const api = await cli.api();
  const ttl = textFlag(flags, 'ttl');
  const body = await api.call('createRejoinToken', {
    params: { node },
    body: ttl === undefined ? {} : { ttlMs: parseDurationMs(ttl, '--ttl') },
  });
  await show(cli, flags, {
    body,
    render: (token) => (flags['quiet'] === true ? `${token.token}\n` : renderRejoinToken(token, cli.nowMs())),
  });
};

export const joinTokens: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call('listJoinTokens');
  await show(cli, flags, { body, render: (rows) => renderJoinTokens(rows, { paint: cli.paint, nowMs: cli.nowMs() }) });
};

export const revokeJoinToken: CommandRun = async (cli, [id = '']) => {
  await (await cli.api()).call('removeJoinToken', { params: { id } });
  await cli.write(`Revoked join token ${id}.\n`);
};
