import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { Clock } from '../../shared/kit/clock.ts';

/** Shorter than the time limits of proxies and of undici for a silent body. */
const KEEP_ALIVE_MS = 20_000;

/** Answers with one line of JSON for each item. Empty lines keep a silent connection alive. */
export function answerLines(
  items: AsyncIterable<unknown>,
  to: { reply: FastifyReply; clock: Clock; signal: AbortSignal },
): Readable {
  to.reply.type('application/x-ndjson');
  return Readable.from(keepAlive(encode(items), to), { objectMode: false });
}

async function* encode(items: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const item of items) yield `${JSON.stringify(item)}\n`;
}

/** Passes the items on, and sends an empty line after each silent interval. */
export async function* keepAlive(
  items: AsyncGenerator<string>,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): AsyncGenerator<string> {
  let next = items.next();
  try {
    while (!signal.aborted) {
      const waited = new AbortController();
      const pause = clock.sleep(KEEP_ALIVE_MS, AbortSignal.any([signal, waited.signal])).then(
        () => 'quiet' as const,
        () => 'quiet' as const,
      );
      const first = await Promise.race([next, pause]);
      waited.abort();
      if (first === 'quiet') {
        yield '\n';
        continue;
      }
      if (first.done === true) return;
      yield first.value;
      next = items.next();
    }
  } finally {
    next.catch(() => undefined); // nobody reads any more, so nobody can be told
  }
}
