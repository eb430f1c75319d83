import type { JoinTokenBody, JoinTokenInfoBody, RejoinTokenBody } from '../../shared/api/identity.ts';
import { formatRemaining } from '../../shared/kit/duration.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderTable } from '../terminal/table.ts';
import { renderAgo } from '../terminal/time.ts';

/** Prints only the line, so that it can be copied or piped. */
export function renderJoinToken({ install }: JoinTokenBody): string {
  return `${install}\n`;
}

/** The explanation, printed apart from the line. */
export function explainJoinToken({ expiresAtMs }: JoinTokenBody, nowMs: number): string {
  return `Paste this command on the machine. It lets one machine join, expires in ${formatRemaining(expiresAtMs - nowMs)}, and is not shown again.
Without sudo, run it as root and end it with "| sh". Add options after it: "| sudo sh -s -- --name fra-1 --dry-run"
`;
}

/** The agent, as the installer places it. */
const AGENT = '/opt/slipway/current/node/bin/node /opt/slipway/current/agent/main.mjs';

export function renderRejoinToken({ node, token, pin, url, expiresAtMs }: RejoinTokenBody, nowMs: number): string {
  return `On the machine of ${node}, as root:
  echo ${token} | ${AGENT} rejoin --config /etc/slipway/agent.json --url ${url} --pin ${pin}

The token gives one machine a new certificate as ${node}, with its name and its apps, and expires in ${formatRemaining(expiresAtMs - nowMs)}.
It is not shown again. To revoke it: slipway nodes:tokens, then slipway nodes:tokens:revoke ID
`;
}

export function renderJoinTokens(
  tokens: readonly JoinTokenInfoBody[],
  at: { readonly paint: Paint; readonly nowMs: number },
): string {
  if (tokens.length === 0) return 'There is no valid join token. Create one with: slipway nodes:token\n';
  const rows = tokens.map((token) => [
    token.id,
    token.rejoins === undefined ? 'joins a new node' : `rejoins ${token.rejoins}`,
    Object.entries(token.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
    `by ${token.createdBy} ${renderAgo(token.createdAtMs, at.nowMs)}`,
    `expires in ${formatRemaining(token.expiresAtMs - at.nowMs)}`,
  ]);
  return `=== ${at.paint.bold('Join tokens')}\n${renderTable(rows)}`;
}
