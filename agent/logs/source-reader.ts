import type { LogLine } from '../../shared/domain/log-line.ts';
import { takeTimestamp } from './timestamp.ts';

/** A rotating folder, and the parser of its lines. */
export interface SourceReader {
  readonly dir: string;
  /** Returns several lines when a long one is split. `atMs` is the time of a line without a timestamp. */
  parse(line: Buffer, taiOffsetSeconds: bigint, atMs: number): readonly LogLine[];
}

/** The process that router lines name. */
export const ROUTER = 'router';

/** Longer lines are split, as on Heroku. */
export const LINE_BYTES_MAX = 10_000;

/** The output of an instance. */
export function appSource(dir: string, process: string): SourceReader {
  return {
    dir,
    parse: (line, taiOffsetSeconds, fallbackMs) => {
      const { atMs = fallbackMs, text } = takeTimestamp(line, taiOffsetSeconds);
      return splitLong(text).map((message) => ({ atMs, source: 'app', process, message }));
    },
  };
}

/** Lines of the platform about the app: `TIME PROCESS MESSAGE`. */
export function platformSource(dir: string): SourceReader {
  return {
    dir,
    parse: (line, taiOffsetSeconds, fallbackMs) => {
      const { atMs = fallbackMs, text } = takeTimestamp(line, taiOffsetSeconds);
      const body = text.toString('utf8');
      const at = body.indexOf(' ');
      return at < 0 ? [] : [{ atMs, source: 'slipway', process: body.slice(0, at), message: body.slice(at + 1) }];
    },
  };
}

/** The lines about one app in the access log of the proxy. `routerLine` is the parser of the proxy. */
export function routerSource(
  dir: string,
  appId: string,
  routerLine: (text: string) => { readonly appId: string | undefined; readonly message: string } | undefined,
): SourceReader {
  const marks = [' ', '/'].map((end) => Buffer.from(`/${appId}${end}`));
  return {
    dir,
    parse: (line, taiOffsetSeconds, fallbackMs) => {
      if (!marks.some((mark) => line.includes(mark))) return []; // most lines are about other apps
      const { atMs = fallbackMs, text } = takeTimestamp(line, taiOffsetSeconds);
      const parsed = routerLine(text.toString('utf8'));
      return parsed?.appId === appId ? [{ atMs, source: 'slipway', process: ROUTER, message: parsed.message }] : [];
    },
  };
}

function splitLong(text: Buffer): string[] {
  if (text.length <= LINE_BYTES_MAX) return [text.toString('utf8')];
  const pieces: string[] = [];
  let start = 0;
  while (start < text.length) {
    const end = characterStart(text, Math.min(start + LINE_BYTES_MAX, text.length));
    pieces.push(text.toString('utf8', start, end));
    start = end;
  }
  return pieces;
}

/** Moves the position to the start of a UTF-8 character. */
function characterStart(text: Buffer, at: number): number {
  let start = at;
  while (start < text.length && start > at - 4 && ((text[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  return start;
}
