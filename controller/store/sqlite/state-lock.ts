import Database from 'better-sqlite3';
import { ensureDir, readFileIfExists, writeFileAtomic } from '../../../shared/kit/atomic-file.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { dirname } from 'node:path';
import { isBusy } from './store-errors.ts';

/** Held while the controller runs. The kernel releases it when the process ends for any reason. */
export interface StateLock {
  /** True when a database was created under this lock before. Then a missing file is a loss, not a first start. */
  readonly databaseWasMade: boolean;
  rememberDatabase(): void;
  release(): void;
}

/**
 * Makes this process the only controller of a state folder. The lock is SQLite's own exclusive lock on a small
 * file beside the database. Node has no flock, and this lock needs no clean-up after kill -9.
 * @throws SLIP_STORE_LOCKED naming the process that holds it
 */
export async function lockState(databasePath: string): Promise<StateLock> {
  await ensureDir(dirname(databasePath), 0o700);
  const pidPath = `${databasePath}.pid`;
  const lock = new Database(`${databasePath}.lock`, { timeout: 0 });
  try {
    lock.pragma('locking_mode = EXCLUSIVE');
    lock.exec('begin exclusive; commit');
  } catch (error) {
    lock.close();
    throw isBusy(error) ? await alreadyRunning(databasePath, pidPath, error) : error;
  }
  await writeFileAtomic(pidPath, `${process.pid}\n`, 0o600);
  return {
    databaseWasMade: lock.pragma('user_version', { simple: true }) === 1,
    rememberDatabase: () => void lock.pragma('user_version = 1'),
    release: () => void lock.close(),
  };
}

async function alreadyRunning(databasePath: string, pidPath: string, cause: unknown): Promise<SlipwayError> {
  const pid = (await readFileIfExists(pidPath))?.trim() ?? 'unknown';
  return new SlipwayError({
    code: 'SLIP_STORE_LOCKED',
    kind: 'conflict',
    message: `A controller is already running on ${dirname(databasePath)} (pid ${pid}).`,
    hint: `Stop it first (kill ${pid}), or give this one a state folder of its own.`,
    details: { pid },
    cause,
  });
}
