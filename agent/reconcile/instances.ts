import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ensureDir, readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { NEW_RECORD, type InstanceRecord } from './record.ts';

const reasonSchema = z.object({ code: z.string(), message: z.string(), hint: z.string().optional() });
const recordSchema = z.object({
  everLive: z.boolean(),
  liveStartedAtMs: z.number().optional(),
  restarts: z.number(),
  crashesInARow: z.number(),
  crashingSinceMs: z.number().optional(),
  lastExit: z
    .object({
      code: z.number().optional(),
      signal: z.string().optional(),
      oomKilled: z.boolean(),
      oomOfNode: z.boolean().optional(),
      atMs: z.number(),
    })
    .optional(),
  nextStartAtMs: z.number().optional(),
  failure: reasonSchema.optional(),
  crash: reasonSchema.optional(),
  lastLines: z.array(z.string()),
  health: z
    .object({
      startedAtMs: z.number(),
      failing: z.array(
        z.object({
          key: z.string(),
          type: z.enum(['readiness', 'liveness']),
          label: z.string(),
          answer: z.string(),
          failures: z.number(),
          sinceMs: z.number(),
        }),
      ),
    })
    .optional(),
});

/** The records of this node's instances. Each is one small file that is written atomically, so it survives a crash of the agent. */
export interface InstanceRecords {
  load(): Promise<ReadonlyMap<string, InstanceRecord>>;
  save(instanceId: string, record: InstanceRecord): Promise<void>;
  remove(instanceId: string): Promise<void>;
}

export function createInstanceRecords(dir: string): InstanceRecords {
  const fileOf = (id: string): string => join(dir, `${id}.json`);
  return {
    load: async () => {
      await ensureDir(dir, 0o700);
      const names = (await readdir(dir)).filter((name) => name.endsWith('.json'));
      const entries = await Promise.all(
        names.map(
          async (name) =>
            [name.slice(0, -'.json'.length), parseRecord(await readFileIfExists(join(dir, name)))] as const,
        ),
      );
      return new Map(entries);
    },
    save: (id, record) => writeFileAtomic(fileOf(id), JSON.stringify(record), 0o600),
    remove: (id) => rm(fileOf(id), { force: true }),
  };
}

/** A damaged record counts as a new one: the instance is observed again. */
function parseRecord(text: string | undefined): InstanceRecord {
  try {
    return recordSchema.parse(JSON.parse(text ?? ''));
  } catch {
    return NEW_RECORD;
  }
}
