import type { JoinTokenBody } from '../../shared/api/identity.ts';
import { renderLeft } from './time.ts';

/** One line, and nothing else: it is to be copied, or piped. */
export function renderJoinToken({ install }: JoinTokenBody): string {
  return `${install}\n`;
}

/** What to know about it; beside the line, not in it. */
export function explainJoinToken({ expiresAtMs }: JoinTokenBody, nowMs: number): string {
  return `Paste it on the machine. It lets one machine join, ends in ${renderLeft(expiresAtMs - nowMs)}, and is not shown again.
Without sudo there, as root: end it with "| sh". Options go behind it: "| sudo sh -s -- --name fra-1 --dry-run"
`;
}
