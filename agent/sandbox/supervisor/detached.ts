import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { start } from '../../../shared/kit/exec.ts';
import { superviseArgs, type Supervised, type Supervisor } from './port.ts';

/** Without systemd: a separate session, so that signals to the agent do not reach it. */
export function createDetachedSupervisor(scriptsDir: string): Supervisor {
  return {
    kind: 'detached',
    async start(supervised) {
      await spawnSupervisor(scriptsDir, supervised);
    },
    forget: () => Promise.resolve(),
  };
}

/** The agent holds the standard input pipe of a tied sandbox open as long as it runs. */
export async function spawnSupervisor(scriptsDir: string, supervised: Supervised): Promise<void> {
  const messages = await open(join(supervised.runDir, 'supervisor.log'), 'a', 0o600);
  try {
    const args = [join(scriptsDir, 'supervise.sh'), ...superviseArgs(supervised)];
    const stdio = [supervised.tied ? ('pipe' as const) : ('ignore' as const), messages.fd, messages.fd];
    const child = start({ file: '/bin/sh', args, env: supervised.env, cwd: '/' }, stdio, true);
    child.stdin?.on('error', () => undefined);
    await once(child, 'spawn').catch((cause: unknown) => Promise.reject(startFailure(cause)));
    child.on('error', () => undefined);
    child.unref();
  } finally {
    await messages.close();
  }
}

function startFailure(cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_SANDBOX_START',
    kind: 'transient',
    message: 'The supervisor of a sandbox could not be started.',
    hint: 'The machine may have no free memory or process ids. The agent tries again.',
    cause,
  });
}
