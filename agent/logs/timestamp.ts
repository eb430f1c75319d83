/** A log line without its timestamp. A line without one gets the time of its neighbour. */
export interface StampedLine {
  readonly atMs: number | undefined;
  readonly text: Buffer;
}

const AT = '@'.charCodeAt(0);
const LABEL_LENGTH = 25;
const TAI_EPOCH = 1n << 62n;

/** TAI minus UTC. s6-log includes the leap seconds (37 s since 2017); svlogd and multilog always use 10 s. */
export const S6_OFFSET_SECONDS = 37n;
export const PLAIN_OFFSET_SECONDS = 10n;

const ISO = /^(\d{4}-\d\d-\d\d)[T _](\d\d:\d\d:\d\d)(\.\d{1,9})?Z? /;

/** Reads `@4000…` (TAI64N), and ISO 8601 in UTC with `T`, space or underscore. Fractions of a millisecond are dropped. */
export function takeTimestamp(line: Buffer, taiOffsetSeconds: bigint): StampedLine {
  if (line[0] === AT) {
    const atMs = parseTai64n(line.toString('latin1', 1, LABEL_LENGTH), taiOffsetSeconds);
    if (atMs !== undefined)
      return { atMs, text: line.subarray(line[LABEL_LENGTH] === 0x20 ? LABEL_LENGTH + 1 : LABEL_LENGTH) };
  }
  const match = ISO.exec(line.toString('latin1', 0, 40));
  if (match === null) return { atMs: undefined, text: line };
  const atMs = Date.parse(`${match[1] ?? ''}T${match[2] ?? ''}${(match[3] ?? '').slice(0, 4)}Z`);
  return Number.isNaN(atMs) ? { atMs: undefined, text: line } : { atMs, text: line.subarray(match[0].length) };
}

function parseTai64n(hex: string, offsetSeconds: bigint): number | undefined {
  if (!/^[0-9a-f]{24}$/.test(hex)) return undefined;
  const seconds = BigInt(`0x${hex.slice(0, 16)}`) - TAI_EPOCH - offsetSeconds;
  return Number(seconds) * 1000 + Math.floor(parseInt(hex.slice(16), 16) / 1e6);
}
