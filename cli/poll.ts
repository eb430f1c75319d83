import { systemClock } from '../shared/kit/clock.ts';
import type { Cli } from './cli.ts';

const POLL_MS = 1_000;

export async function pauseBeforePoll({ signal }: Cli): Promise<void> {
  await systemClock.sleep(POLL_MS, signal).catch(() => undefined); // Ctrl-C
}
