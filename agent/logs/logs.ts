import { isId, type AppId } from '../../shared/domain/ids.ts';
import type { LogLine } from '../../shared/domain/log-line.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { ensureDir } from '../../shared/kit/atomic-file.ts';
import type { Followed } from './folder-reader.ts';
import { followFolder } from './follow-folder.ts';
import { openEnd, taiOffset, type Place } from './log-folder.ts';
import { Merge } from './merge.ts';
import { PlatformLog } from './platform-log.ts';
import type { LogQuery, Logs } from './port.ts';
import { appSource, platformSource, ROUTER, routerSource, type SourceReader } from './source-reader.ts';
import { mergeByTime, tailSource } from './tail.ts';

export interface LogsConfig {
  /** Folder of the platform's own lines, with one folder for each app. */
  readonly dir: string;
  /** Size of one of these files, and their number for each app. */
  readonly platformFileBytes?: number | undefined;
  readonly platformFiles?: number | undefined;
  /** A query gets at most this many past lines (1500 as on Heroku). */
  readonly linesMax?: number | undefined;
}

/** The log folder of one instance. */
export interface LogSource {
  /** `web.1` */
  readonly process: string;
  readonly dir: string;
}

export interface LogsDeps {
  readonly clock: Clock;
  /** Instances of the app with a log folder, also ended ones. */
  sources(appId: AppId): readonly LogSource[];
  /** Calls the listener when `sources` may have changed. Returns the unsubscribe function. */
  onSourcesChanged(listener: () => void): () => void;
  instanceLogDir(instanceId: string): string | undefined;
  /** The proxy's access log and its parser. */
  readonly routerLogDir: string;
  routerLine(text: string): { readonly appId: string | undefined; readonly message: string } | undefined;
}

export function createLogs(config: LogsConfig, deps: LogsDeps): Logs {
  return new FolderLogs(config, deps);
}

type Accept = (line: LogLine) => boolean;

class FolderLogs implements Logs {
  readonly #deps: LogsDeps;
  readonly #platform: PlatformLog;
  readonly #linesMax: number;

  constructor(config: LogsConfig, deps: LogsDeps) {
    const { dir, platformFileBytes = 256 * 1024, platformFiles = 3, linesMax = 1500 } = config;
    this.#deps = deps;
    this.#platform = new PlatformLog(dir, { fileBytesMax: platformFileBytes, files: platformFiles });
    this.#linesMax = linesMax;
  }

  async *query(query: LogQuery, signal: AbortSignal): AsyncGenerator<LogLine> {
    checkId(query.appId);
    await ensureDir(this.#platform.dirOf(query.appId), 0o750);
    const accept = acceptLine(query);
    const count = Math.min(Math.max(query.lines, 0), this.#linesMax);
    const opened = await this.#openAll(this.#sources(query));
    const following = new Set<string>();
    try {
      const lists: LogLine[][] = [];
      for (const { source, place } of opened)
        lists.push(await tailSource(source, { from: place, count, accept, signal }));
      yield* mergeByTime(lists, count);
      if (!query.follow || signal.aborted) return;
      for (const { source } of opened) following.add(source.dir);
    } finally {
      for (const { source, place } of opened) if (!following.has(source.dir)) await place?.handle.close();
    }
    yield* this.#follow(query, { opened, accept, signal });
  }

  async lastLines(instanceId: string, count: number): Promise<readonly string[]> {
    const dir = this.#deps.instanceLogDir(instanceId);
    if (dir === undefined) return [];
    const place = await openEnd(dir);
    try {
      const { signal } = new AbortController();
      const lines = await tailSource(appSource(dir, ''), { from: place, count, accept: () => true, signal });
      return lines.map(({ message }) => message);
    } finally {
      await place?.handle.close();
    }
  }

  write(appId: AppId, process: string, message: string): Promise<void> {
    checkId(appId);
    return this.#platform.append(appId, { atMs: this.#deps.clock.nowMs(), process, message });
  }

  hasLines(appId: AppId): Promise<boolean> {
    checkId(appId);
    return this.#platform.has(appId);
  }

  removeLines(appId: AppId): Promise<void> {
    checkId(appId);
    return this.#platform.remove(appId);
  }

  /** Only sources that can have lines of the query: the log of another instance can be 10 MB long. */
  #sources({ appId, process, source }: LogQuery): SourceReader[] {
    const instances = source === 'slipway' ? [] : this.#deps.sources(appId);
    const sources = instances
      .filter((instance) => isProcess(process, instance.process))
      .map((instance) => appSource(instance.dir, instance.process));
    if (source === 'app') return sources;
    if (isProcess(process, ROUTER))
      sources.push(routerSource(this.#deps.routerLogDir, appId, (text) => this.#deps.routerLine(text)));
    return [...sources, platformSource(this.#platform.dirOf(appId))];
  }

  async #openAll(sources: readonly SourceReader[]): Promise<Opened[]> {
    const opened: Opened[] = [];
    for (const source of sources) opened.push({ source, place: await openEnd(source.dir) });
    return opened;
  }

  /** New lines of all sources. A new instance is read from its first line. */
  async *#follow(
    query: LogQuery,
    from: { opened: readonly Opened[]; accept: Accept; signal: AbortSignal },
  ): AsyncGenerator<LogLine> {
    const ending = new AbortController();
    const signal = AbortSignal.any([from.signal, ending.signal]);
    const merge = new Merge<readonly LogLine[]>(signal);
    const running = new Map<string, Promise<void>>();
    // A source ends when its folder is removed. A folder that is created again is a new source.
    const add = ({ source, place }: Opened): void => {
      const pumped = merge.pump(this.#live(source, place, signal)).finally(() => running.delete(source.dir));
      running.set(source.dir, pumped);
    };
    for (const each of from.opened) add(each);
    const unsubscribe = this.#deps.onSourcesChanged(() => {
      for (const source of this.#sources(query)) {
        if (!running.has(source.dir)) add({ source, place: undefined });
      }
    });
    try {
      for await (const lines of merge) yield* lines.filter(from.accept);
    } finally {
      unsubscribe();
      ending.abort();
      await Promise.all(running.values());
    }
  }

  async *#live(
    source: SourceReader,
    place: Place | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<readonly LogLine[]> {
    const offset = await taiOffset(source.dir);
    for await (const followed of followFolder(source.dir, place, signal)) {
      const now = this.#deps.clock.nowMs();
      const lines = toLines(followed, (raw) => source.parse(raw, offset, now), now);
      if (lines.length > 0) yield lines;
    }
  }
}

/** The id becomes the name of a folder. */
function checkId(appId: AppId): void {
  if (!isId(appId)) throw new RangeError('not the id of an app');
}

interface Opened {
  readonly source: SourceReader;
  readonly place: Place | undefined;
}

function toLines(followed: Followed, parse: (raw: Buffer) => readonly LogLine[], atMs: number): readonly LogLine[] {
  if (followed.kind === 'lines') return followed.lines.flatMap(parse);
  const message =
    'Error L11 (Tail buffer overflow): lines were dropped because they came faster than they could be read.';
  return [{ atMs, source: 'slipway', process: 'logs', message }];
}

function acceptLine({ process, source }: Pick<LogQuery, 'process' | 'source'>): Accept {
  return (line) => (source === undefined || line.source === source) && isProcess(process, line.process);
}

/** `web.1` is one process, `web` is all processes of the type. Absent: all processes. */
function isProcess(wanted: string | undefined, process: string): boolean {
  return wanted === undefined || wanted === '' || process === wanted || process.startsWith(`${wanted}.`);
}
