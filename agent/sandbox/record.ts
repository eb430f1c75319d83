import { readdir, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { readFileIfExists } from '../../shared/kit/atomic-file.ts';
import type { AppName } from '../../shared/domain/names.ts';
import { exitsDir, instanceLayout, logsDir, sandboxesDir } from './config.ts';
import { readExit } from './handle.ts';
import type { NetworkLease } from './network/namespaces.ts';
import type { SandboxSpec } from './port.ts';

const recordSchema = z.object({
  version: z.literal(1),
  id: z.string().regex(/^[a-z0-9]{8,26}$/),
  purpose: z.enum(['app', 'command', 'build']),
  app: z.string().transform((text) => text as AppName),
  bootId: z.string(),
  uidBase: z.number(),
  address: z.string(),
  port: z.number().optional(),
  netns: z.string().optional(),
  egress: z.boolean().optional(),
  logBytesMax: z.number(),
  preparedAtMs: z.number(),
  /** The program that runs the sandbox; no secrets in it. */
  argv: z.array(z.string()),
  joinCgroup: z.boolean(),
});

/** What the next agent knows about a sandbox. It is written last: a record means that the sandbox is complete except for the process. */
export type SandboxRecord = z.infer<typeof recordSchema>;

export interface RecordParts {
  readonly bootId: string;
  readonly preparedAtMs: number;
  readonly argv: readonly string[];
  readonly joinCgroup: boolean;
}

/** The record of a new sandbox. Pure. */
export function recordOf(spec: SandboxSpec, lease: NetworkLease, parts: RecordParts): SandboxRecord {
  const { id, purpose, app, uidBase, port, egress, logBytesMax } = spec;
  const network = { address: lease.address, netns: lease.netns };
  return {
    version: 1,
    id,
    purpose,
    app,
    uidBase,
    port,
    egress,
    logBytesMax,
    ...network,
    ...parts,
    argv: [...parts.argv],
  };
}

/** Atomic for readers. Not synced, because the sandbox does not survive a power cut. */
export async function saveRecord(path: string, record: SandboxRecord): Promise<void> {
  const temp = `${path}.new`;
  await writeFile(temp, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  await rename(temp, path);
}

/** `undefined` if there is no readable record: the sandbox is incomplete. */
export async function loadRecord(path: string): Promise<SandboxRecord | undefined> {
  const text = await readFileIfExists(path);
  if (text === undefined) return undefined;
  const parsed = recordSchema.safeParse(parseJson(text));
  return parsed.success ? parsed.data : undefined;
}

export function isSandboxId(name: string): boolean {
  return /^[a-z0-9]{8,26}$/.test(name);
}

/** Ids that have a folder, whether complete or not. */
export async function sandboxIds(base: string): Promise<string[]> {
  const names = await readdir(sandboxesDir(base)).catch(() => []);
  return names.filter(isSandboxId);
}

/** Folders in which a sandbox can leave something. */
export function traceDirs(base: string): readonly string[] {
  return [sandboxesDir(base), logsDir(base), exitsDir(base)];
}

/** Ids with anything on the disk: a folder, a log, or an exit file. */
export async function tracesOf(base: string): Promise<readonly string[]> {
  const names = await Promise.all(traceDirs(base).map((dir) => readdir(dir).catch(() => [])));
  return [...new Set(names.flat().filter(isSandboxId))];
}

export async function loadRecords(base: string): Promise<SandboxRecord[]> {
  const ids = await sandboxIds(base);
  const records = await Promise.all(ids.map((id) => loadRecord(instanceLayout(base, id).record)));
  return records.filter((record) => record !== undefined);
}

/**
 * The records of this boot, and of sandboxes that ended before the reboot. A sandbox that the reboot ended is left out: this is not a crash of
 * the app, so its instance simply starts again.
 */
export async function loadWholeRecords(base: string, bootId: string): Promise<SandboxRecord[]> {
  const records = await loadRecords(base);
  const whole = records.map(
    async (record) =>
      record.bootId === bootId || (await readExit(instanceLayout(base, record.id).exitFile)) !== undefined,
  );
  const kept = await Promise.all(whole);
  return records.filter((_, index) => kept[index]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
