import { parseAccessLine, type AccessRecord } from './router-line.ts';

/** HAProxy writes this in place of the method of a request that it could not parse. */
const UNPARSED = '<BADREQ>';

/** Part of each log line of a request without an app. Most lines do not contain it. */
export const NO_APP_MARK = 'slip1 - ';

/**
 * Why HAProxy refused a request before it looked for an app; `undefined` for all other lines. The text contains
 * nothing that the client sent, because this could be a secret or control characters.
 */
export function unreadableCause(text: string): string | undefined {
  const record = parseAccessLine(text);
  if (record === undefined || record.app !== undefined || !REFUSALS.has(record.status)) return undefined;
  const sentence = sentenceOf(record);
  return sentence === undefined ? undefined : `${record.termination}: ${sentence}`;
}

/** HAProxy's own pages for a request that is wrong, and for one that is not complete in time. */
const REFUSALS: ReadonlySet<number> = new Set([400, 408]);

/** The first letter of the termination state tells which side ended the request. */
function sentenceOf({ termination, method }: AccessRecord): string | undefined {
  if (termination.startsWith('C')) return 'the client closed the connection before its request was complete';
  if (termination.startsWith('c')) return 'the request was not complete in time';
  if (!termination.startsWith('P')) return undefined;
  if (method !== UNPARSED) return 'the Host header is missing or is not one host name';
  return 'the request is not valid HTTP, or its headers are too large';
}
