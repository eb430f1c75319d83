import type { JoinTokenBody, JoinTokenInfoBody, RejoinTokenBody } from '../../shared/api/identity.ts';
import { formatRemaining } from '../../shared/kit/duration.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderTable } from '../terminal/table.ts';
import { renderAgo } from '../terminal/time.ts';

/** One line, and nothing else: it is to be copied, or piped. */
export function renderJoinToken({ install }: JoinTokenBody): string {
  return `${install}\n`;
}

/** What to know about it; beside the line, not in it. */
export function explainJoinToken({ expiresAtMs }: JoinTokenBody, nowMs: number): string {
  return `Paste it on the machine. It lets one machine join, ends in ${formatRemaining(expiresAtMs - nowMs)}, and is not shown again.
Without sudo there, as root: end it with "| sh". Options go behind it: "| sudo sh -s -- --name fra-1 --dry-run"
`;
}

/** Where the installer puts it. */
const AGENT = '/opt/slipway/current/node/bin/node /opt/slipway/current/agent/main.mjs';

export function renderRejoinToken({ node, token, pin, url, expiresAtMs }: RejoinTokenBody, nowMs: number): string {
  return `On the machine of ${node}, as root:
  echo ${token} | ${AGENT} rejoin --config /etc/slipway/agent.json --url ${url} --pin ${pin}

The token gives one machine a new certificate as ${node}, with its name and its apps, and ends in ${formatRemaining(expiresAtMs - nowMs)}.
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
    `ends in ${formatRemaining(token.expiresAtMs - at.nowMs)}`,
  ]);
  return `=== ${at.paint.bold('Join tokens')}\n${renderTable(rows)}`;
}
