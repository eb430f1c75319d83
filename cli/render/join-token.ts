import type { JoinTokenBody } from '../../shared/domain/api.ts';
import { renderDuration } from './time.ts';

export function renderJoinToken({ token, pin, expiresAtMs }: JoinTokenBody, url: string, nowMs: number): string {
  return `${token}

It lets one machine join and ends in ${renderDuration(expiresAtMs - nowMs)}. It is not shown again.
On that machine, in a folder with Slipway and a settings file of the agent:
  node agent/main.ts join --config agent.json --url ${url} --pin ${pin} --name NAME
and give the token on standard input.
`;
}
