import { link, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { commitFile, ensureDir, syncDir } from '../../../shared/kit/atomic-file.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { isErrno, SlipwayError } from '../../../shared/kit/errors.ts';
import { ENCRYPTED_SINCE, SCHEMA_VERSION } from './migrate.ts';
import { lockState } from './state-lock.ts';

/** Copies of former upgrades that are kept. */
const KEPT = 3;
const KEPT_NAME = /^schema-(\d{1,6})-[\dTZ.-]+\.db$/;

/** The database as it was before a migration, until the controller accepts work with the migrated one. */
function copyPath(path: string): string {
  return `${path}.before-upgrade`;
}

function keptFolder(path: string): string {
  return join(dirname(path), 'backups');
}

/** Makes a consistent copy before a migration. When there is no room for it, nothing is migrated. */
export async function copyBeforeMigration(database: Database.Database, path: string): Promise<void> {
  const schema = schemaOf(database);
  if (schema >= SCHEMA_VERSION) return;
  const copied = await schemaOfCopy(path);
  // An earlier start made the copy and then failed after a part of the migrations. Nothing else has happened since.
  if (copied !== undefined && copied < schema) return;
  const temp = `${copyPath(path)}.new`;
  await rm(temp, { force: true });
  try {
    await (await open(temp, 'wx', 0o600)).close();
    database.prepare('vacuum into ?').run(temp);
    await commitFile(temp, copyPath(path));
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
}

/** The controller accepts work from now on, which the copy lacks. So only the operator may go back to the copy. */
export async function keepCopy(path: string, clock: Clock): Promise<void> {
  const schema = await schemaOfCopy(path);
  const folder = keptFolder(path);
  await ensureDir(folder, 0o700);
  const kept = (await readdir(folder)).filter((name) => KEPT_NAME.test(name)).sort(byTime);
  const clear = schema === undefined ? kept.filter((name) => schemaOfName(name) < ENCRYPTED_SINCE) : [];
  if (schema !== undefined) {
    const name = `schema-${String(schema)}-${new Date(clock.nowMs()).toISOString().replaceAll(':', '-')}.db`;
    await rename(copyPath(path), join(folder, name));
    await Promise.all([syncDir(folder), syncDir(dirname(path))]);
    kept.push(name);
  }
  const surplus = [...kept.slice(0, -KEPT), ...clear];
  await Promise.all(surplus.map((name) => rm(join(folder, name), { force: true })));
}

/**
 * Undoes the migration of an upgrade that failed before the controller accepted work. The migrated database is kept beside the restored one.
 * @returns false when there is nothing to undo @throws SLIP_STORE_LOCKED while a controller runs
 */
export async function restoreCopy(path: string): Promise<boolean> {
  const lock = await lockState(path);
  try {
    const copied = await schemaOfCopy(path);
    if (copied === undefined || !(await isMigrated(path, copied))) return false;
    const failed = `${path}.failed-upgrade`;
    await rm(failed, { force: true });
    await link(path, failed);
    await rename(copyPath(path), path);
    await syncDir(dirname(path));
    return true;
  } finally {
    lock.release();
  }
}

/** Also removes the WAL, which must not be read together with the restored file. */
async function isMigrated(path: string, copied: number): Promise<boolean> {
  const database = new Database(path, { fileMustExist: true });
  try {
    if (schemaOf(database) <= copied) return false;
    if (database.pragma('journal_mode = DELETE', { simple: true }) === 'delete') return true;
    throw new SlipwayError({
      code: 'SLIP_STORE_BUSY',
      kind: 'transient',
      message: `Another program reads the database ${path}.`,
      hint: `Find it with: fuser -v ${path}`,
    });
  } finally {
    database.close();
  }
}

async function schemaOfCopy(path: string): Promise<number | undefined> {
  try {
    await (await open(copyPath(path), 'r')).close();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  const copy = new Database(copyPath(path), { readonly: true });
  try {
    return schemaOf(copy);
  } finally {
    copy.close();
  }
}

function schemaOf(database: Database.Database): number {
  return Number(database.pragma('user_version', { simple: true }));
}

function schemaOfName(name: string): number {
  return Number(KEPT_NAME.exec(name)?.[1]);
}

function byTime(one: string, other: string): number {
  const [a, b] = [one, other].map((name) => name.replace(/^schema-\d+-/, ''));
  return (a ?? '') < (b ?? '') ? -1 : 1;
}
