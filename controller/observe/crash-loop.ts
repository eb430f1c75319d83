import type { Exit } from '../../shared/domain/instance.ts';

const OFTEN = 3;
const LATELY_MS = 10 * 60_000;

/** Up or not at this moment: it was restarted often, and lately. */
export function keepsCrashing(
  { restarts, lastExit }: { readonly restarts: number; readonly lastExit?: Exit | undefined },
  nowMs: number,
): boolean {
  return restarts >= OFTEN && lastExit !== undefined && nowMs - lastExit.atMs < LATELY_MS;
}
