import { z } from 'zod';
import { readFileIfExists, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import { SerialQueue } from '../../shared/kit/serial-queue.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { LogSource } from './logs.ts';

const entrySchema = z.object({
  instanceId: z.string(),
  /** Absent in the entries of an older agent, which have the app's name only. */
  appId: z.string().optional(),
  app: z.string(),
  process: z.string(),
  /** A command that runs once, not an instance. */
  oneOff: z.boolean().optional(),
  endedAtMs: z.number().optional(),
});
type Entry = z.infer<typeof entrySchema>;

/** For each app, the logs of this many ended instances are kept, so that users can read the log of a failed deploy. */
const ENDED_KEPT = 5;
/** Commands that run once do not replace the logs of instances. */
const ENDED_COMMANDS_KEPT = 20;

/** Which log folder belongs to which app, also after the end of an instance. */
export class LogBook {
  readonly #path: string;
  readonly #dirOf: (instanceId: string) => string;
  readonly #listeners = new Set<() => void>();
  #entries: readonly Entry[] = [];
  readonly #writes = new SerialQueue();

  /** @param path the file of the log book @param dirOf the log folder of an instance */
  constructor(path: string, dirOf: (instanceId: string) => string) {
    this.#path = path;
    this.#dirOf = dirOf;
  }

  /** With a damaged file, only the owners of old logs are lost. */
  async load(): Promise<void> {
    const parsed = z.array(entrySchema).safeParse(safeJson((await readFileIfExists(this.#path)) ?? '[]'));
    this.#entries = parsed.success ? parsed.data : [];
  }

  /**
   * Gives the entries of an older agent the ids of their apps. Call it once at the start.
   * @returns ended instances with an unknown app: nobody can read their logs
   */
  identify(appIdOf: (name: string) => AppId | undefined): readonly string[] {
    const entries = this.#entries.map((entry) => ({ ...entry, appId: entry.appId ?? appIdOf(entry.app) }));
    const lost = entries.filter(({ appId, endedAtMs }) => appId === undefined && endedAtMs !== undefined);
    this.#change(entries.filter((entry) => !lost.includes(entry)));
    return lost.map(({ instanceId }) => instanceId);
  }

  /** Adds an instance that starts to write. */
  add(instance: Omit<Entry, 'endedAtMs' | 'appId'> & { readonly appId: AppId }): void {
    if (this.#entries.some((entry) => entry.instanceId === instance.instanceId)) return;
    this.#change([...this.#entries, instance]);
  }

  /** Marks an instance as ended. @returns the instances whose logs are no longer kept */
  end(instanceId: string, nowMs: number): readonly string[] {
    const entry = this.#entries.find((one) => one.instanceId === instanceId);
    if (entry === undefined) return [instanceId];
    const others = this.#entries.filter((one) => one !== entry);
    const ended = [
      ...others.filter(
        (one) => one.appId === entry.appId && one.oneOff === entry.oneOff && one.endedAtMs !== undefined,
      ),
      { ...entry, endedAtMs: nowMs },
    ];
    ended.sort((a, b) => (b.endedAtMs ?? 0) - (a.endedAtMs ?? 0));
    const dropped = new Set(
      ended.slice(entry.oneOff === true ? ENDED_COMMANDS_KEPT : ENDED_KEPT).map((one) => one.instanceId),
    );
    this.#change([...others, { ...entry, endedAtMs: nowMs }].filter((one) => !dropped.has(one.instanceId)));
    return [...dropped];
  }

  writer(instanceId: string): { readonly appId: AppId; readonly process: string } | undefined {
    const entry = this.#entries.find((one) => one.instanceId === instanceId);
    return entry?.appId === undefined ? undefined : { appId: entry.appId as AppId, process: entry.process };
  }

  sources(appId: AppId): readonly LogSource[] {
    return this.#entries
      .filter((entry) => entry.appId === appId)
      .map((entry) => ({ process: entry.process, dir: this.#dirOf(entry.instanceId) }));
  }

  /** Every instance that has an entry. */
  instances(): readonly string[] {
    return this.#entries.map(({ instanceId }) => instanceId);
  }

  instancesOf(appId: AppId): readonly string[] {
    return this.#entries.filter((entry) => entry.appId === appId).map(({ instanceId }) => instanceId);
  }

  /** Removes the entries of these instances. Resolves when the file is written. */
  async drop(instanceIds: readonly string[]): Promise<void> {
    this.#change(this.#entries.filter(({ instanceId }) => !instanceIds.includes(instanceId)));
    await this.#writes.add(() => this.#write());
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #change(entries: readonly Entry[]): void {
    this.#entries = entries;
    void this.#writes.add(() => this.#write()).catch(() => undefined);
    for (const listener of this.#listeners) listener();
  }

  #write(): Promise<void> {
    return writeFileAtomic(this.#path, JSON.stringify(this.#entries), 0o600);
  }
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
