import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { checkAnswer, checkLines } from '../../../../controller/api/check-answer.ts';
import { list, wordOf } from '../../../../shared/api/schema.ts';

const schema = z.object({ name: z.string(), state: wordOf(['up', 'down']), notes: list(z.string()).optional() });
const WRONG = { code: 'SLIP_API_ANSWER' };

describe('check of an answer against its schema', () => {
  it('accepts an answer that the schema describes', () => {
    checkAnswer(schema, { name: 'web.1', state: 'up', notes: undefined }, 'GET /x');
    checkAnswer(schema.optional(), undefined, 'GET /x');
    checkAnswer(undefined, undefined, 'GET /x');
  });

  it('refuses a wrong type, an unknown field, an unknown word and an answer of a route without one', () => {
    assert.throws(() => checkAnswer(schema, { name: 1, state: 'up' }, 'GET /x'), WRONG);
    assert.throws(() => checkAnswer(schema, { name: 'web.1', state: 'up', secret: 'x' }, 'GET /x'), WRONG);
    assert.throws(() => checkAnswer(schema, { name: 'web.1', state: 'sideways' }, 'GET /x'), WRONG);
    assert.throws(() => checkAnswer(undefined, { name: 'web.1' }, 'GET /x'), WRONG);
  });

  it('checks each line of a stream and passes on empty lines', async () => {
    const lines = (...parts: readonly string[]): Readable =>
      checkLines(schema, Readable.from(parts, { objectMode: false }), 'GET /x');
    const good = '{"name":"web.1","state":"up"}\n';
    assert.equal(await text(lines(good, '\n', good.slice(0, 9), good.slice(9))), `${good}\n${good}`);
    await assert.rejects(text(lines(good, '{"name":"web.1"}\n')), WRONG);
  });
});
