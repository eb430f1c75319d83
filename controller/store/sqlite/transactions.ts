import type Database from 'better-sqlite3';
import { CamelCasePlugin, Kysely, SqliteDialect, type SqliteDatabase, type SqliteStatement } from 'kysely';
import type { Clock } from '../../../shared/kit/clock.ts';
import { IN_MEMORY } from './open-database.ts';
import type { InTransaction, Schema, StoreDatabase } from './schema.ts';
import { isBusy, translateStoreError } from './store-errors.ts';

const BUSY_PATIENCE_MS = 5_000;
const BUSY_PAUSE_MS = 50;
const BREATHE_EVERY_MS = 10;

export function createKysely(database: Database.Database): StoreDatabase {
  return new Kysely<Schema>({
    dialect: new SqliteDialect({ database: forKysely(database) }),
    plugins: [new CamelCasePlugin()],
  });
}

/** Transactions that wait for another program's lock without blocking the process. They fail with a SlipwayError. */
export function createInTransaction(db: StoreDatabase, path: string, clock: Clock): InTransaction {
  const breathe = path === IN_MEMORY ? () => Promise.resolve() : createBreath();
  return async (work) => {
    const deadline = clock.monotonicMs() + BUSY_PATIENCE_MS;
    for (;;) {
      try {
        return await db.transaction().execute(async (tx) => {
          await breathe();
          return await work(tx);
        });
      } catch (error) {
        if (!isBusy(error) || clock.monotonicMs() >= deadline) throw translateStoreError(error, path);
        await clock.sleep(BUSY_PAUSE_MS);
      }
    }
  };
}

/**
 * SQLite works synchronously, so a thousand waiting transactions would block the event loop, and no heartbeat or request would be read
 * until the last of them. So from time to time a transaction lets the event loop run first.
 */
function createBreath(): () => Promise<void> {
  let breathedAtMs = performance.now();
  return async () => {
    if (performance.now() - breathedAtMs < BREATHE_EVERY_MS) return;
    breathedAtMs = performance.now();
    await new Promise((resolve) => setImmediate(resolve));
  };
}

const NOTHING: SqliteStatement = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [].values(),
};

/** Keeps prepared statements, and ignores a rollback after SQLite has already rolled back (full disk). */
function forKysely(database: Database.Database): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>();
  return {
    close: () => void database.close(),
    prepare: (sql) => {
      if (sql === 'rollback' && !database.inTransaction) return NOTHING;
      const known = prepared.get(sql);
      if (known !== undefined) return known;
      const statement = adapt(database.prepare(sql));
      if (prepared.size < 500) prepared.set(sql, statement);
      return statement;
    },
  };
}

function adapt(statement: Database.Statement): SqliteStatement {
  return {
    reader: statement.reader,
    all: (parameters) => statement.all(...parameters),
    run: (parameters) => statement.run(...parameters),
    iterate: (parameters) => statement.iterate(...parameters),
  };
}
