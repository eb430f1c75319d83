import type { ApiTokenInfoBody, JoinTokenInfoBody, RejoinTokenBody } from '../../shared/api/identity.ts';
import { show, textFlag, type CommandRun } from '../cli.ts';
import { parseDurationMs } from '../parse-flags.ts';
import { renderApiTokens, renderJoinTokens, renderRejoinToken } from '../render/identity.ts';

export const revoke: CommandRun = async (cli, [node = '']) => {
  await (await cli.api()).call('POST', `/nodes/${encodeURIComponent(node)}/revoke`);
  await cli.write(
    `Cut ${node} off: its certificate is worth nothing from now on.\nTo let a machine back in as ${node}: slipway nodes:rejoin ${node}\n`,
  );
};

export const rejoin: CommandRun = async (cli, [node = ''], flags) => {
  const api = await cli.api();
  const ttl = textFlag(flags, 'ttl');
  const body = await api.call<RejoinTokenBody>('POST', `/nodes/${encodeURIComponent(node)}/rejoin`, {
    ...(ttl === undefined ? {} : { ttlMs: parseDurationMs(ttl, '--ttl') }),
  });
  await show(cli, flags, {
    body,
    render: (token) => (flags['quiet'] === true ? `${token.token}\n` : renderRejoinToken(token, cli.nowMs())),
  });
};

export const joinTokens: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call<JoinTokenInfoBody[]>('GET', '/join-tokens');
  await show(cli, flags, { body, render: (rows) => renderJoinTokens(rows, { paint: cli.paint, nowMs: cli.nowMs() }) });
};

export const revokeJoinToken: CommandRun = async (cli, [id = '']) => {
  await (await cli.api()).call('DELETE', `/join-tokens/${encodeURIComponent(id)}`);
  await cli.write(`Revoked join token ${id}.\n`);
};

export const tokens: CommandRun = async (cli, _args, flags) => {
  const body = await (await cli.api()).call<ApiTokenInfoBody[]>('GET', '/tokens');
  await show(cli, flags, { body, render: (rows) => renderApiTokens(rows, cli.paint) });
};

export const revokeToken: CommandRun = async (cli, [id = '']) => {
  await (await cli.api()).call('DELETE', `/tokens/${encodeURIComponent(id)}`);
  await cli.write(`Revoked token ${id}. Whatever uses it is signed out.\n`);
};
