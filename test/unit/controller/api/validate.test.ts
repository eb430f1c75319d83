import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { parseInput } from '../../../../controller/api/validate.ts';
import { queryFlag, rowLimit } from '../../../../shared/api/schema.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';

const QUERY = z.strictObject({
  follow: queryFlag,
  limit: rowLimit(15),
  before: z.coerce.number().int().min(1).optional(),
  source: z.enum(['app', 'slipway']).optional(),
  node: z.string().max(63).optional(),
  process: z.string().regex(/^web$/, 'it is a process type').optional(),
});

function refused(value: object, place: 'query' | 'body' = 'query'): readonly (string | undefined)[] {
  try {
    parseInput(QUERY, value, place);
  } catch (error) {
    assert.ok(error instanceof SlipwayError && error.code === 'SLIP_INPUT', String(error));
    return [error.message, error.hint];
  }
  return [];
}

describe('a wrong value in a query', () => {
  const optional = 'The parameter is optional: you can leave it out.';
  const cases: readonly [object, string, string][] = [
    [
      { follow: 'maybe' },
      'The query parameter "follow" must be true or false.',
      'Without this parameter, the value is false.',
    ],
    [
      { limit: '-1' },
      'The query parameter "limit" must be a whole number from 1 to 1000.',
      'Without this parameter, the value is 15.',
    ],
    [
      { limit: 'many' },
      'The query parameter "limit" must be a whole number from 1 to 1000.',
      'Without this parameter, the value is 15.',
    ],
    [{ before: '0.5' }, 'The query parameter "before" must be a whole number, 1 or more.', optional],
    [{ source: 'router' }, 'The query parameter "source" must be app or slipway.', optional],
    [{ node: 'x'.repeat(64) }, 'The query parameter "node" must be a text of at most 63 characters.', optional],
    [{ process: '?' }, 'The query parameter "process" is not valid: it is a process type.', optional],
    [{ folow: 'true' }, 'The query of the request has an unknown field "folow".', 'Did you mean "follow"?'],
  ];
  for (const [query, message, hint] of cases)
    it(`is named with what is allowed: ${JSON.stringify(query).slice(0, 40)}`, () =>
      assert.deepEqual(refused(query), [message, hint]));

  it('is told apart from a field of the body, which has no hint', () =>
    assert.deepEqual(refused({ limit: 0 }, 'body'), [
      'The body field "limit" must be a whole number from 1 to 1000.',
      undefined,
    ]));

  it('is not a right value', () => assert.deepEqual(refused({ follow: 'true', limit: '3', source: 'app' }), []));
});
