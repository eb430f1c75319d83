import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseProcessType } from '../../../../shared/domain/names.ts';
import { parseProcfile } from '../../../../shared/domain/procfile.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';

const parse = (text: string | Uint8Array): ReturnType<typeof parseProcfile> =>
  parseProcfile(typeof text === 'string' ? Buffer.from(text) : text);

describe('a Procfile', () => {
  it('declares types and commands, past comments, blank lines, CRLF and a byte order mark', () => {
    const text =
      '\uFEFF# comment\r\n// another\r\n\r\nweb: node server.js --port=$PORT\r\nrelease:   ./migrate\r\nmy_worker-2:\tbundle exec x: y\r\n';
    assert.deepEqual(parse(text), {
      processTypes: { web: 'node server.js --port=$PORT', release: './migrate', 'my_worker-2': 'bundle exec x: y' },
      warnings: [],
    });
  });

  it('may be empty', () => {
    assert.deepEqual(parse('').processTypes, {});
  });

  it('lets a later line of the same type win, and says so', () => {
    const { processTypes, warnings } = parse('web: one\nweb: two\n');
    assert.deepEqual(processTypes, { web: 'two' });
    assert.match(warnings[0] ?? '', /^Procfile line 2: "web" is declared twice/);
  });

  it('warns of types that other platforms treat in their own way', () => {
    assert.equal(parse('static: public\ncron1: 0 0 * * * x\n').warnings.length, 2);
  });

  const bad: readonly [string, string | Uint8Array, RegExp][] = [
    ['no colon', 'web: x\nworker node x\n', /^Procfile line 2: "worker node x" is not of the form/],
    ['a bad type', 'web!: x\n', /^Procfile line 1: /],
    [
      'a type that starts with an underscore',
      'web: x\n_jobs: y\n',
      /^Procfile line 2: "_jobs" does not start with a letter or a digit/,
    ],
    ['a type that starts with a dash', '-jobs: y\n', /^Procfile line 1: "-jobs" does not start/],
    ['no command', '\n\nweb:   \n', /^Procfile line 3: "web" has no command/],
    ['a NUL byte', 'web: a\0b\n', /^Procfile line 1: it contains a NUL/],
    ['a type of 64 characters', `${'x'.repeat(64)}: y\n`, /at most 63/],
    ['__proto__', '__proto__: y\n', /does not start with/],
    [
      'bytes that are no UTF-8',
      Buffer.from([0x77, 0x3a, 0x20, 0x61, 0x0a, 0x77, 0xff]),
      /^Procfile line 2: not valid UTF-8/,
    ],
    ['a megabyte', `web: ${'x'.repeat(1024 * 1024)}`, /larger than 1 MB/],
    ['too long a command', `web: ${'x'.repeat(9000)}`, /longer than 8192/],
    [
      'a thousand types',
      Array.from({ length: 1000 }, (_, n) => `t${n}: x`).join('\n'),
      /^Procfile line 101: more than 100/,
    ],
  ];
  for (const [name, text, message] of bad) {
    it(`is refused with ${name}, naming the line`, () => {
      assert.throws(() => parse(text), { code: 'SLIP_BUILD_PROCFILE', message });
    });
  }

  it('declares no type that other parts refuse', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\w-]{1,8}$/), (type) => {
        try {
          for (const declared of Object.keys(parse(`${type}: x`).processTypes)) parseProcessType(declared);
        } catch (error) {
          assert.equal((error as SlipwayError).code, 'SLIP_BUILD_PROCFILE');
        }
      }),
    );
  });

  it('gives a Procfile or a SlipwayError for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        try {
          parse(bytes);
        } catch (error) {
          assert.ok(error instanceof SlipwayError);
        }
      }),
    );
  });
});
