import type { LogLine } from '../../shared/domain/log-line.ts';
import { taiOffset, type Place } from './log-folder.ts';
import { readBackwards } from './read-backwards.ts';
import type { SourceReader } from './source-reader.ts';

/** The limit for one source. A query gets fewer lines when they are very long. */
const TAIL_BYTES_MAX = 4 * 1024 * 1024;

export interface TailQuery {
  readonly from: Place | undefined;
  readonly count: number;
  readonly accept: (line: LogLine) => boolean;
  readonly signal: AbortSignal;
}

/** The last lines of one source, oldest first. */
export async function tailSource(source: SourceReader, query: TailQuery): Promise<LogLine[]> {
  const found: LogLine[] = [];
  if (query.count === 0) return found;
  const offset = await taiOffset(source.dir);
  let bytes = 0;
  let atMs = 0;
  for await (const raw of readBackwards(source.dir, query.from)) {
    if (query.signal.aborted) break;
    const lines = source.parse(raw, offset, atMs);
    atMs = lines[0]?.atMs ?? atMs;
    for (const line of lines.toReversed()) {
      if (!query.accept(line)) continue;
      found.push(line);
      bytes += line.message.length;
    }
    if (found.length >= query.count || bytes > TAIL_BYTES_MAX) break;
  }
  return found.slice(0, query.count).reverse();
}

/** Merges by time. Lines of one source with the same time keep their order. */
export function mergeByTime(lists: readonly (readonly LogLine[])[], count: number): LogLine[] {
  if (count === 0) return [];
  const all = lists.flat();
  return all.sort((a, b) => a.atMs - b.atMs).slice(-count);
}
