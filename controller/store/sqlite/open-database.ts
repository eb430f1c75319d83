import { chmod, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { syncDir } from '../../../shared/kit/atomic-file.ts';
import { isErrno, SlipwayError } from '../../../shared/kit/errors.ts';
import { migrate } from './migrate.ts';
import { damaged } from './store-errors.ts';
import type { StateLock } from './state-lock.ts';
import { copyBeforeMigration } from './upgrade-backup.ts';

/** 'SLIP': marks a SQLite file as a Slipway database. */
const APPLICATION_ID = 0x534c4950;
/** The first release with the WAL-reset fix; older ones can lose acknowledged commits. */
const OLDEST_SQLITE = [3, 51, 3] as const;
/** Short, because SQLite waits on the event loop; the store tries again without blocking it. */
const BUSY_TIMEOUT_MS = 20;

export const IN_MEMORY = ':memory:';

/**
 * Opens the database, or creates it at the first start. A file that is missing after the first start, or is empty, damaged, foreign or of
 * a newer version, is refused and not changed.
 * @throws SLIP_STORE_MISSING, SLIP_STORE_DAMAGED, SLIP_STORE_FOREIGN, SLIP_STORE_NEWER
 */
export async function openDatabase(path: string, lock: StateLock | undefined): Promise<Database.Database> {
  if (path === IN_MEMORY) return createAt(path);
  const sizeBytes = await fileSize(path);
  if (sizeBytes === 0) throw damaged(path, 'the file is empty');
  if (sizeBytes === undefined) {
    if (lock?.databaseWasMade === true || (await fileSize(`${path}-wal`)) !== undefined) throw missing(path);
    await createFile(path);
  }
  await chmod(path, 0o600);
  const database = await openChecked(path);
  lock?.rememberDatabase();
  return database;
}

/** Created under another name and renamed, so that a power cut leaves a complete file or none. */
async function createFile(path: string): Promise<void> {
  const temp = `${path}.new`;
  await Promise.all([temp, `${temp}-wal`, `${temp}-shm`].map((file) => rm(file, { force: true })));
  await (await open(temp, 'wx', 0o600)).close();
  createAt(temp).close();
  await rename(temp, path);
  await syncDir(dirname(path));
}

function createAt(path: string): Database.Database {
  const database = new Database(path);
  configure(database);
  assertSqliteVersion(database);
  database.pragma(`application_id = ${APPLICATION_ID}`);
  migrate(database, path);
  return database;
}

async function openChecked(path: string): Promise<Database.Database> {
  const database = new Database(path, { fileMustExist: true });
  try {
    configure(database);
    assertSqliteVersion(database);
    assertOurs(database, path);
    assertIntact(database, path);
    await copyBeforeMigration(database, path);
    migrate(database, path);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function configure(database: Database.Database): void {
  database.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('foreign_keys = ON');
  database.pragma('trusted_schema = OFF');
  // Zeros replace deleted values in the file.
  database.pragma('secure_delete = ON');
}

function assertSqliteVersion(database: Database.Database): void {
  const version = String(database.prepare('select sqlite_version()').pluck().get());
  if (!isOlder(version.split('.').map(Number), OLDEST_SQLITE)) return;
  throw new SlipwayError({
    code: 'SLIP_STORE_SQLITE_OLD',
    kind: 'bug',
    message: `This build contains SQLite ${version}, which can lose committed data; ${OLDEST_SQLITE.join('.')} or newer is needed.`,
    hint: 'Run script/bootstrap again to install the pinned version.',
  });
}

function isOlder(version: readonly number[], than: readonly number[]): boolean {
  const at = than.findIndex((part, index) => part !== version[index]);
  return at >= 0 && (version[at] ?? 0) < (than[at] ?? 0);
}

function assertOurs(database: Database.Database, path: string): void {
  if (database.pragma('application_id', { simple: true }) === APPLICATION_ID) return;
  throw new SlipwayError({
    code: 'SLIP_STORE_FOREIGN',
    message: `The file ${path} is a database, but not a Slipway database.`,
    hint: 'Give the controller its own state folder. This file was not changed.',
  });
}

function assertIntact(database: Database.Database, path: string): void {
  const finding = String(database.pragma('quick_check(1)', { simple: true }));
  if (finding !== 'ok') throw damaged(path, finding);
  if ((database.pragma('foreign_key_check') as unknown[]).length > 0)
    throw damaged(path, 'rows refer to rows that do not exist');
}

function missing(path: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_STORE_MISSING',
    message: `The database ${path} is missing, but this state folder had one before.`,
    hint: `Restore your latest backup to ${path}. To start with an empty database, remove the whole state folder.`,
  });
}

async function fileSize(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
