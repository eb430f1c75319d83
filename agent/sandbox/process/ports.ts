import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { SlipwayError } from '../../../shared/kit/errors.ts';

/**
 * A free port of the range. The search starts at a random port: the app binds the port a moment later, and another agent on this machine
 * should not choose the same one. @throws SLIP_SANDBOX_PORTS
 */
export async function freePort(range: { first: number; last: number }, taken: ReadonlySet<number>): Promise<number> {
  const count = range.last - range.first + 1;
  const from = randomInt(Math.max(1, count));
  for (let step = 0; step < count; step += 1) {
    const port = range.first + ((from + step) % count);
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new SlipwayError({
    code: 'SLIP_SANDBOX_PORTS',
    kind: 'conflict',
    message: `No free port is left between ${String(range.first)} and ${String(range.last)}.`,
    hint: 'Stop instances, or give the agent a wider range.',
  });
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '0.0.0.0');
  try {
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
