import { sql, type RawBuilder } from 'kysely';
import { z } from 'zod';
import type { AppId, TaskId } from '../../../shared/domain/ids.ts';
import type { ConfigCipher, Place } from '../../secrets/config-cipher.ts';
import { parseRows } from './rows.ts';
import type { Tx } from './schema.ts';

/** Whose output a text is: a command, or the release phase of a release. */
export type OutputOwner = { readonly appId: AppId; readonly taskId: TaskId } | ReleaseOutputOwner;

export interface ReleaseOutputOwner {
  readonly appId: AppId;
  readonly version: number;
}

export interface Sealed {
  readonly tx: Tx;
  readonly cipher: ConfigCipher;
}

/** A smaller chunk takes the next text, so that many short texts do not make many rows. */
const CHUNK_BYTES = 16 * 1024;
/** Outputs of ended commands that an app can keep. The oldest ones go first. */
export const COMMAND_OUTPUTS_BYTES = 4 * 1024 * 1024;

const chunkRow = z.object({ seq: z.number(), bytes: z.number(), text: z.string(), keyId: z.string().nullable() });

/** The text is not cut here. */
export async function appendOutput({ tx, cipher }: Sealed, owner: OutputOwner, text: string): Promise<void> {
  const [last] = parseRows(chunkRow, (await chunks(owner, sql`order by seq desc limit 1`).execute(tx)).rows);
  const grows = last !== undefined && last.bytes < CHUNK_BYTES;
  const whole = grows ? cipher.open(last, placeOf(owner)) + text : text;
  const { keyId, text: sealed } = cipher.seal(whole, placeOf(owner));
  const columns = { text: sealed, keyId, bytes: Buffer.byteLength(whole) };
  if (grows) await tx.updateTable('outputChunks').set(columns).where('seq', '=', last.seq).execute();
  else {
    const { appId } = owner;
    const [taskId, version] = 'taskId' in owner ? [owner.taskId, null] : [null, owner.version];
    await tx
      .insertInto('outputChunks')
      .values({ appId, taskId, version, ...columns })
      .execute();
  }
}

/** Undefined: it printed nothing, or its output was removed. */
export async function readOutput({ tx, cipher }: Sealed, owner: OutputOwner): Promise<string | undefined> {
  const rows = parseRows(chunkRow, (await chunks(owner, sql`order by seq`).execute(tx)).rows);
  return rows.length === 0 ? undefined : rows.map((row) => cipher.open(row, placeOf(owner))).join('');
}

export async function outputBytes(tx: Tx, owner: OutputOwner): Promise<number> {
  const found = await sql<{ bytes: number }>`select coalesce(sum(bytes), 0) as bytes from output_chunks
    where ${isOf(owner)}`.execute(tx);
  return found.rows[0]?.bytes ?? 0;
}

export async function trimCommandOutputs(tx: Tx, appId: AppId): Promise<void> {
  await sql`delete from output_chunks where seq in (select seq from (
    select output_chunks.seq as seq, state, sum(bytes) over (order by output_chunks.seq desc) as total
    from output_chunks join tasks on tasks.id = task_id where output_chunks.app_id = ${appId}
  ) where total > ${COMMAND_OUTPUTS_BYTES} and state not in ('pending', 'running'))`.execute(tx);
}

/** The place of a stored chunk. */
export function placeOfChunk({
  appId,
  taskId,
  version,
}: {
  readonly appId: string;
  readonly taskId: string | null;
  readonly version: number | null;
}): Place {
  return { appId, output: taskId ?? `v${String(version)}` };
}

function placeOf(owner: OutputOwner): Place {
  return placeOfChunk({ taskId: null, version: null, ...owner });
}

function isOf(owner: OutputOwner): RawBuilder<unknown> {
  return 'taskId' in owner
    ? sql`task_id = ${owner.taskId}`
    : sql`app_id = ${owner.appId} and version = ${owner.version}`;
}

function chunks(owner: OutputOwner, order: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`select seq, bytes, text, key_id from output_chunks where ${isOf(owner)} ${order}`;
}
