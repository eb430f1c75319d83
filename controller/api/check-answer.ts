import { Transform, type Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { SlipwayError } from '../../shared/kit/errors.ts';

/**
 * Compares an answer with its schema, for tests. A field that the schema does not have is an error here; callers ignore such fields.
 * @throws SLIP_API_ANSWER
 */
export function checkAnswer(schema: z.ZodType | undefined, answer: unknown, route: string): void {
  const sent = asSent(answer);
  if (schema === undefined) {
    if (sent !== undefined) throw wrongAnswer(route, 'the route has no answer, and one was sent');
    return;
  }
  const result = schema.safeParse(sent);
  if (!result.success) throw wrongAnswer(route, result.error.message);
  if (!isDeepStrictEqual(asSent(result.data), sent))
    throw wrongAnswer(route, `the schema lacks a field or a word of it: ${JSON.stringify(sent)}`);
}

/** Passes lines of JSON on and checks each one. */
export function checkLines(schema: z.ZodType, lines: Readable, route: string): Readable {
  let rest = '';
  const checking = new Transform({
    transform(chunk: Buffer | string, _encoding, done) {
      const parts = (rest + String(chunk)).split('\n');
      rest = parts.pop() ?? '';
      try {
        for (const line of parts) if (line !== '') checkAnswer(schema, JSON.parse(line), route);
        done(null, chunk);
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
  lines.once('error', (error) => checking.destroy(error));
  checking.once('close', () => lines.destroy());
  return lines.pipe(checking);
}

function asSent(answer: unknown): unknown {
  return answer === undefined ? undefined : JSON.parse(JSON.stringify(answer));
}

function wrongAnswer(route: string, reason: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_API_ANSWER',
    kind: 'bug',
    message: `The answer of ${route} does not match its schema: ${reason}.`,
  });
}
