import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { COMMAND_KINDS, type CommandTask } from '../../shared/domain/command.ts';
import { isDigest, isId, type AppId, type Digest, type TaskId } from '../../shared/domain/ids.ts';
import { parseAppName } from '../../shared/domain/names.ts';
import { ensureDir, readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';

const exitSchema = z.object({
  code: z.number().optional(),
  signal: z.string().optional(),
  oomKilled: z.boolean(),
  oomOfNode: z.boolean().optional(),
  atMs: z.number(),
});

const outcomeSchema = z.union([
  z.object({ exit: exitSchema, durationMs: z.number(), endedBy: z.enum(['timeout', 'cancel']).optional() }),
  z.object({ code: z.string(), message: z.string(), hint: z.string().optional() }),
]);

const recordSchema = z.object({
  version: z.literal(1),
  taskId: z
    .string()
    .refine(isId)
    .transform((text) => text as TaskId),
  kind: z.enum(COMMAND_KINDS),
  appId: z
    .string()
    .refine(isId)
    .transform((text) => text as AppId),
  app: z.string().transform(parseAppName),
  process: z.string(),
  layers: z.array(
    z
      .string()
      .refine(isDigest)
      .transform((digest): Digest => digest),
  ),
  timeoutMs: z.number(),
  graceMs: z.number(),
  outputLimitBytes: z.number(),
  acceptedAtMs: z.number(),
  /** Written right before the start. Without it, the command has certainly not run. */
  startingAtMs: z.number().optional(),
  outcome: outcomeSchema.optional(),
});

/**
 * What the next agent knows about a command. It has no secrets, because a command is never started a second time. The record is written
 * before the start, and stays until the controller has stored the result.
 */
export type CommandRecord = Readonly<z.infer<typeof recordSchema>>;
export type CommandOutcome = NonNullable<CommandRecord['outcome']>;

/** The record of a new command. Pure. */
export function newRecord(task: CommandTask, acceptedAtMs: number): CommandRecord {
  const { taskId, kind, appId, app, process, timeoutMs, graceMs, outputLimitBytes } = task;
  const layers = task.layers.map(({ digest }) => digest);
  return { version: 1, taskId, kind, appId, app, process, layers, timeoutMs, graceMs, outputLimitBytes, acceptedAtMs };
}

export interface CommandRecords {
  load(): Promise<readonly CommandRecord[]>;
  save(record: CommandRecord): Promise<void>;
  remove(taskId: TaskId): Promise<void>;
}

/** One small file for each command, written atomically. */
export function createCommandRecords(dir: string): CommandRecords {
  const fileOf = (taskId: TaskId): string => join(dir, `${taskId}.json`);
  return {
    load: async () => {
      await ensureDir(dir, 0o700);
      const names = (await readdir(dir)).filter((name) => name.endsWith('.json'));
      const records = await Promise.all(names.map(async (name) => parse(await readFileIfExists(join(dir, name)))));
      return records.filter((record) => record !== undefined);
    },
    save: async (record) => {
      await ensureDir(dir, 0o700);
      await writeFileAtomic(fileOf(record.taskId), JSON.stringify(record), 0o600);
    },
    remove: (taskId) => rm(fileOf(taskId), { force: true }),
  };
}

/** The controller fails a command that no agent reports, so a damaged record is left out. */
function parse(text: string | undefined): CommandRecord | undefined {
  try {
    return recordSchema.parse(JSON.parse(text ?? ''));
  } catch {
    return undefined;
  }
}
