import type { ApiTokenInfoBody, JoinTokenInfoBody, RejoinTokenBody } from '../../shared/api/identity.ts';
import type { Paint } from './paint.ts';
import { renderTable } from './table.ts';
import { renderAgo, renderLeft, renderTime } from './time.ts';

/** Where the installer puts it. */
const AGENT = '/opt/slipway/current/node/bin/node /opt/slipway/current/agent/main.mjs';

export function renderRejoinToken({ node, token, pin, url, expiresAtMs }: RejoinTokenBody, nowMs: number): string {
  return `On the machine of ${node}, as root:
  echo ${token} | ${AGENT} rejoin --config /etc/slipway/agent.json --url ${url} --pin ${pin}

The token gives one machine a new certificate as ${node}, with its name and its apps, and ends in ${renderLeft(expiresAtMs - nowMs)}.
It is not shown again. Take it back with: slipway nodes:tokens, then slipway nodes:tokens:revoke ID
`;
}

export function renderJoinTokens(
  tokens: readonly JoinTokenInfoBody[],
  at: { readonly paint: Paint; readonly nowMs: number },
): string {
  if (tokens.length === 0) return 'No join token can be used now. Make one with: slipway nodes:token\n';
  const rows = tokens.map((token) => [
    token.id,
    token.rejoins === undefined ? 'joins a new node' : `rejoins ${token.rejoins}`,
    Object.entries(token.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
    `by ${token.createdBy} ${renderAgo(token.createdAtMs, at.nowMs)}`,
    `ends in ${renderLeft(token.expiresAtMs - at.nowMs)}`,
  ]);
  return `=== ${at.paint.bold('Join tokens')}\n${renderTable(rows)}`;
}

export function renderApiTokens(tokens: readonly ApiTokenInfoBody[], paint: Paint): string {
  if (tokens.length === 0) return 'You have no API tokens.\n';
  const rows = tokens.map((token) => [
    token.id,
    token.description,
    renderTime(token.createdAtMs),
    token.expiresAtMs === undefined ? '' : `until ${renderTime(token.expiresAtMs)}`,
  ]);
  return `=== ${paint.bold('Your API tokens')}\n${renderTable(rows)}`;
}
