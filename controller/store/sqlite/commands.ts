import { sql } from 'kysely';
import { z } from 'zod';
import { COMMAND_KINDS } from '../../../shared/domain/command.ts';
import type { NewEvent } from '../../../shared/domain/event.ts';
import type { AppId, NodeId, TaskId, UserId } from '../../../shared/domain/ids.ts';
import type { Reason } from '../../../shared/domain/instance.ts';
import { parseAppName } from '../../../shared/domain/names.ts';
import { isTerminal, TASK_STATES, transition } from '../../../shared/domain/states.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { endOf } from '../../domain/command-end.ts';
import { COMMAND_OUTPUT_BYTES, releaseProcess, type CommandRow, type NewCommand } from '../../domain/commands.ts';
import type { CommandStore } from '../command-port.ts';
import { insertEvent } from './events.ts';
import { firstBytes } from '../release-output.ts';
import { listOf } from './list-of.ts';
import { appendOutput, outputBytes, readOutput, trimCommandOutputs, type OutputOwner } from './outputs.ts';
import { appendToRelease } from './release-outputs.ts';
import { notFound, unlessTaken, type RepositoryDeps } from './repository.ts';
import { appIdColumn, parseRow, parseRowIfAny, parseRows } from './rows.ts';
import type { Tx } from './schema.ts';

/** Ended commands that are kept for each app and kind. */
const ENDED_KEPT = 100;
/** While runs of a cron entry fail within this time of each other, only the first one has an event. */
const FAILED_EVENT_EVERY_MS = 60 * 60_000;

const text = <T extends string>() => z.string().transform((value) => value as T);
const absent = <T extends z.ZodType>(schema: T) => z.union([z.null().transform(() => undefined), schema]);
const parsed = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((value): unknown => JSON.parse(value))
    .pipe(schema);
const reason = z.strictObject({ code: z.string(), message: z.string(), hint: z.string().optional() });
const exit = z.object({
  ...{ code: z.number().optional(), signal: z.string().optional(), atMs: z.number() },
  ...{ oomKilled: z.boolean(), oomOfNode: z.boolean().optional() },
});
const result = z.object({
  exit,
  durationMs: z.number(),
  endedBy: z.enum(['timeout', 'cancel']).optional(),
});

const commandRow = z.strictObject({
  id: text<TaskId>(),
  kind: z.enum(COMMAND_KINDS),
  appId: text<AppId>(),
  app: z.string().transform(parseAppName),
  nodeId: text<NodeId>(),
  release: z.number(),
  process: z.string(),
  command: z.string(),
  memoryBytes: z.number(),
  timeoutMs: z.number(),
  graceMs: z.number(),
  userId: absent(text<UserId>()),
  state: z.enum(['pending', 'running', 'succeeded', 'failed', 'cancelled']),
  createdAtMs: z.number(),
  startedAtMs: absent(z.number()),
  finishedAtMs: absent(z.number()),
  failure: absent(parsed(reason)),
  result: absent(parsed(result)),
  cancelled: z.number().transform((value) => value === 1),
  drainedNode: absent(z.string()),
  outputBytes: z.number(),
  outputLines: z.number(),
});

export function createCommands({ inTransaction, clock, cipher }: RepositoryDeps): CommandStore {
  return {
    createCommand: (command) => inTransaction((tx) => insertCommand(tx, command, clock.nowMs())),
    command: (id) => inTransaction((tx) => find(tx, id)),
    commandOfRelease: (appId, version, script) =>
      inTransaction((tx) => findByProcess(tx, appId, releaseProcess(version, script))),
    commandByProcess: (appId, process) => inTransaction((tx) => findByProcess(tx, appId, process)),
    commandsOfApp: (appId, limit) =>
      inTransaction(async (tx) => {
        const rows = rowsOf(tx).where('commands.appId', '=', appId).orderBy('tasks.seq', 'desc').limit(limit);
        return parseRows(commandRow, await rows.execute());
      }),
    unfinishedCommands: (appId) =>
      inTransaction(async (tx) => {
        const open = rowsOf(tx).where('tasks.state', 'in', ['pending', 'running']).orderBy('tasks.seq');
        const rows = appId === undefined ? open : open.where('commands.appId', '=', appId);
        return parseRows(commandRow, await rows.execute());
      }),
    removeCommand: (id) =>
      inTransaction(async (tx) => {
        await rewindCron(tx, id);
        await tx.deleteFrom('tasks').where('id', '=', id).where('kind', '!=', 'build').execute();
      }),
    ...createProgress({ inTransaction, clock }),
    ...createCommandOutputs({ inTransaction, cipher }),
  };
}

function createCommandOutputs({
  inTransaction,
  cipher,
}: Pick<RepositoryDeps, 'inTransaction' | 'cipher'>): Pick<CommandStore, 'commandOutput' | 'appendCommandOutput'> {
  return {
    commandOutput: (id) =>
      inTransaction(async (tx) => {
        const owner = await outputOwner(tx, id);
        return owner === undefined ? '' : ((await readOutput({ tx, cipher }, owner)) ?? '');
      }),
    appendCommandOutput: (id, { text: added, bytes, lines }) =>
      inTransaction(async (tx) => {
        await sql`update commands set output_bytes = output_bytes + ${bytes}, output_lines = output_lines + ${lines}
          where task_id = ${id}`.execute(tx);
        const owner = await outputOwner(tx, id);
        if (owner === undefined) return;
        const kept = firstBytes(added, COMMAND_OUTPUT_BYTES - (await outputBytes(tx, owner)));
        if (kept !== '') await appendOutput({ tx, cipher }, owner, kept);
        const release = await releaseOfOutput(tx, id);
        if (release !== undefined)
          await appendToRelease({ tx, cipher }, { appId: owner.appId, version: release }, added);
      }),
  };
}

/** Undefined: the command is not a command of a release. */
async function releaseOfOutput(tx: Tx, taskId: TaskId): Promise<number | undefined> {
  const found = tx.selectFrom('commands').innerJoin('tasks', 'tasks.id', 'commands.taskId');
  const row = await found
    .select('commands.release as release')
    .where('tasks.id', '=', taskId)
    .where('tasks.kind', '=', 'release')
    .executeTakeFirst();
  return row?.release;
}

async function outputOwner(tx: Tx, taskId: TaskId): Promise<OutputOwner | undefined> {
  const row = await tx.selectFrom('commands').select('appId').where('taskId', '=', taskId).executeTakeFirst();
  return row === undefined ? undefined : { appId: parseRow(appIdColumn, row.appId), taskId };
}

function createProgress({
  inTransaction,
  clock,
}: Pick<RepositoryDeps, 'inTransaction' | 'clock'>): Pick<
  CommandStore,
  'setCommandCancelled' | 'endCommand' | 'commandUsesImage'
> {
  return {
    setCommandCancelled: (id, drainedNode) =>
      inTransaction(async (tx) => {
        const open = tx.selectFrom('tasks').select('id').where('id', '=', id).where('finishedAtMs', 'is', null);
        const change = tx.updateTable('commands').set({ cancelled: 1, drainedNode: drainedNode ?? null });
        await change.where('taskId', 'in', open).where('cancelled', '=', 0).execute();
      }),
    endCommand: (id, end) =>
      inTransaction(async (tx) => {
        const row = await find(tx, id);
        if (row === undefined || isTerminal(TASK_STATES, row.state)) return row;
        const { state, failure } = endOf(row, end);
        const finished = { state: transition(TASK_STATES, row.state, state), finishedAtMs: clock.nowMs() };
        const why = failure === undefined ? {} : { failure: JSON.stringify(failure) };
        await tx
          .updateTable('tasks')
          .set({ ...finished, ...why })
          .where('id', '=', id)
          .execute();
        if ('result' in end)
          await tx
            .updateTable('commands')
            .set({ result: JSON.stringify(end.result) })
            .where('taskId', '=', id)
            .execute();
        if (row.kind === 'cron' && state === 'failed' && !(await failedLately(tx, id, clock.nowMs())))
          await insertEvent(tx, clock, cronFailed(row, failure));
        return find(tx, id);
      }),
    commandUsesImage: (nodeId, digest) =>
      inTransaction(async (tx) => {
        const found = await sql`select 1 from tasks
          join commands on commands.task_id = tasks.id
          join release_images on release_images.app_id = commands.app_id and release_images.version = commands.release
          where tasks.state in ('pending', 'running') and tasks.node_id = ${nodeId} and release_images.digest = ${digest}
          limit 1`.execute(tx);
        return found.rows.length > 0;
      }),
  };
}

/** A user can start no command without a number, and a release has each of its commands once. */
export async function insertCommand(tx: Tx, command: NewCommand, nowMs: number): Promise<CommandRow> {
  const { id, kind, appId, nodeId, label, ...own } = command;
  const { userId = null, release } = own;
  const last = await tx
    .selectFrom('commands')
    .select((eb) => eb.fn.max<number | null>('number').as('number'))
    .where('appId', '=', appId)
    .executeTakeFirstOrThrow();
  const number = kind === 'release' ? 0 : (last.number ?? 0) + 1;
  const prefix = label === undefined ? kind : `${kind}.${label}`;
  const process = `${prefix}.${String(kind === 'release' ? release : number)}`;
  if (kind !== 'cron') await removeOld(tx, appId, kind); // runs of cron entries are removed with their history
  await trimCommandOutputs(tx, appId);
  const task = { id, kind, appId, nodeId, buildId: null, state: 'pending', createdAtMs: nowMs };
  await tx.insertInto('tasks').values(task).execute();
  const row = { ...own, userId, taskId: id, appId, process, number };
  await unlessTaken(tx.insertInto('commands').values(row).execute(), () => exists(process));
  await sql`insert or ignore into app_nodes (app_id, node_id) values (${appId}, ${nodeId})`.execute(tx);
  const made = await find(tx, id);
  if (made === undefined) throw notFound('command');
  return made;
}

async function removeOld(tx: Tx, appId: AppId, kind: string): Promise<void> {
  const ended = tx
    .selectFrom('tasks')
    .select('id')
    .where('appId', '=', appId)
    .where('kind', '=', kind)
    .where('state', 'not in', ['pending', 'running'])
    .orderBy('seq', 'desc')
    .limit(-1)
    .offset(ENDED_KEPT);
  await tx.deleteFrom('tasks').where('id', 'in', ended).execute();
}

function rowsOf(tx: Tx) {
  return tx
    .selectFrom('commands')
    .innerJoin('tasks', 'tasks.id', 'commands.taskId')
    .innerJoin('apps', 'apps.id', 'commands.appId')
    .select([
      ...(['tasks.id', 'tasks.kind', 'tasks.nodeId', 'tasks.state', 'tasks.createdAtMs', 'tasks.startedAtMs'] as const),
      ...(['tasks.finishedAtMs', 'tasks.failure', 'apps.name as app', 'commands.appId', 'commands.release'] as const),
      ...(['commands.process', 'commands.command', 'commands.memoryBytes', 'commands.timeoutMs'] as const),
      ...(['commands.graceMs', 'commands.userId', 'commands.cancelled', 'commands.result'] as const),
      ...(['commands.outputBytes', 'commands.outputLines', 'commands.drainedNode'] as const),
    ]);
}

export async function commandsById(tx: Tx, ids: readonly TaskId[]): Promise<ReadonlyMap<TaskId, CommandRow>> {
  const rows = await rowsOf(tx).where('tasks.id', 'in', listOf(ids)).execute();
  return new Map(parseRows(commandRow, rows).map((row) => [row.id, row]));
}

/** The tick of a command that has not run is undecided again. */
async function rewindCron(tx: Tx, id: TaskId): Promise<void> {
  await sql`update cron_entries set decided_ms = min(decided_ms, tick_ms - 1) from cron_runs
    where cron_runs.task_id = ${id} and tick_ms is not null
      and cron_entries.app_id = cron_runs.app_id and cron_entries.name = cron_runs.name`.execute(tx);
}

/** An entry that fails each minute does not fill the events. */
async function failedLately(tx: Tx, id: TaskId, nowMs: number): Promise<boolean> {
  const found = await sql`select 1 from cron_runs own
    join cron_runs former on former.app_id = own.app_id and former.name = own.name and former.seq < own.seq
    join tasks on tasks.id = former.task_id
    where own.task_id = ${id} and tasks.state = 'failed' and tasks.finished_at_ms > ${nowMs - FAILED_EVENT_EVERY_MS} limit 1`.execute(
    tx,
  );
  return found.rows.length > 0;
}

function cronFailed({ app, process }: CommandRow, failure: Reason | undefined): NewEvent {
  const message = failure?.message ?? `${process} of ${app} failed.`;
  return {
    ...{ kind: 'cron.failed', actor: 'controller', app, instance: process, message },
    next: `slipway cron:output ${process} -a ${app}`,
  };
}

async function find(tx: Tx, id: TaskId): Promise<CommandRow | undefined> {
  return parseRowIfAny(commandRow, await rowsOf(tx).where('tasks.id', '=', id).executeTakeFirst());
}

async function findByProcess(tx: Tx, appId: AppId, process: string): Promise<CommandRow | undefined> {
  const row = rowsOf(tx).where('commands.appId', '=', appId).where('commands.process', '=', process);
  return parseRowIfAny(commandRow, await row.executeTakeFirst());
}

function exists(process: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_COMMAND_EXISTS',
    kind: 'conflict',
    message: `${process} exists already. Each command of a release runs once.`,
    hint: 'Make a new release to run it again.',
  });
}
