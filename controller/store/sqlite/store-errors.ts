import Database from 'better-sqlite3';
import { SlipwayError } from '../../../shared/kit/errors.ts';

/** Translates a failure of SQLite for the rest of the controller. A SlipwayError stays unchanged. */
export function translateStoreError(error: unknown, path: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const code = error.code;
  if (code === 'SQLITE_FULL' || hasErrno(error, 'ENOSPC')) return diskFull(path, error);
  if (isDamage(code)) return damaged(path, error.message, error);
  if (isBusy(error)) return busy(path, error);
  if (code.startsWith('SQLITE_IOERR') || code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_CANTOPEN')) {
    return unusable(path, error);
  }
  return new SlipwayError({
    code: 'SLIP_STORE_QUERY',
    kind: 'bug',
    message: 'A database query failed; the details are in the log of the controller.',
    cause: error,
  });
}

/** True when another process has locked the database, so that a retry may succeed. */
export function isBusy(error: unknown): boolean {
  return (
    error instanceof Database.SqliteError &&
    (error.code.startsWith('SQLITE_BUSY') || error.code.startsWith('SQLITE_LOCKED'))
  );
}

/** True when the row was refused because an equal one exists. */
export function isUniqueViolation(error: unknown): boolean {
  return (
    error instanceof Database.SqliteError &&
    (error.code === 'SQLITE_CONSTRAINT_UNIQUE' || error.code === 'SQLITE_CONSTRAINT_PRIMARYKEY')
  );
}

/** The file is damaged. It is never replaced by a new one, because an empty database would stop every app. */
export function damaged(path: string, finding: string, cause?: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_STORE_DAMAGED',
    kind: 'bug',
    message: `The database ${path} is damaged (${finding}).`,
    hint: `Stop the controller, keep the damaged file for inspection, and restore your latest backup to ${path} (with its -wal file, if the backup has one). The apps keep running meanwhile.`,
    cause,
  });
}

function diskFull(path: string, cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DISK_FULL',
    kind: 'transient',
    message: `The controller's disk is full: nothing more can be written to ${path}.`,
    hint: `Free some space on the file system of ${path} and try again; nothing was lost and no restart is needed.`,
    cause,
  });
}

function busy(path: string, cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_STORE_BUSY',
    kind: 'transient',
    message: `Another program has locked the database ${path}.`,
    hint: `Find it with: fuser -v ${path}`,
    cause,
  });
}

function unusable(path: string, cause: Error): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_STORE_UNUSABLE',
    kind: 'transient',
    message: `The database ${path} cannot be read or written (${cause.message}).`,
    hint: `Check that the disk is healthy and mounted writable and that the controller's user owns ${path} and its folder.`,
    cause,
  });
}

function isDamage(code: string): boolean {
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB' || code === 'SQLITE_FORMAT';
}

function hasErrno(error: Error, errno: string): boolean {
  return error.message.includes(errno);
}
