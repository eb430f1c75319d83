import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  parseAppName,
  parseConfigName,
  parseHostname,
  parseTypedDomain,
  parseNodeName,
  parseProcessType,
  parseUserName,
  quoteInput,
} from '../../../../shared/domain/names.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';
import { cpuTimeMs } from '../../../support/cpu-time.ts';

/** What is quadratic takes minutes for such an input. */
const LINEAR_MAX_CPU_MS = 5_000;

interface NameCase {
  readonly parse: (text: string) => string;
  readonly code: string;
  readonly good: readonly string[];
  readonly bad: readonly string[];
}

/** What breaks a path, a shell, a host name, a terminal or a look-up table sooner or later. */
const HOSTILE = [
  ...[
    '',
    ' ',
    '.',
    '..',
    '../etc',
    'a/b',
    'a\\b',
    'app\n',
    'app\r',
    'app\0',
    'app\u0000name',
    '\u001b[31mapp',
    'a b',
    ' app',
    'app ',
  ],
  ...[
    '-rf',
    '--help',
    '$(id)',
    '`id`',
    'a;b',
    'a|b',
    'a&b',
    'a>b',
    "a'b",
    'a"b',
    'a%00b',
    'a%2fb',
    'a\u202eb',
    'ａpp',
    'ápp',
    '名前',
  ],
];

const CASES: Readonly<Record<string, NameCase>> = {
  'an app name': {
    parse: parseAppName,
    code: 'SLIP_NAME_APP',
    good: ['abc', 'a1b', 'my-app', 'a-b-c-d', 'app2', 'hello-node', `a${'b'.repeat(29)}`],
    bad: [
      ...['ab', `a${'b'.repeat(30)}`, '1app', '-app', 'app-', 'my--app', 'My-app', 'my_app', 'my.app'],
      ...['www', 'api', 'admin', 'slipway', 'con', 'git', 'localhost', 'xn-app', '__proto__', 'toString'],
    ],
  },
  'a user name': {
    parse: parseUserName,
    code: 'SLIP_NAME_USER',
    good: ['a', 'anna', 'anna-2', `a${'b'.repeat(30)}`],
    bad: ['1anna', 'Anna', 'anna_', `a${'b'.repeat(31)}`, 'anna@example', '__proto__'],
  },
  'a node name': {
    parse: parseNodeName,
    code: 'SLIP_NAME_NODE',
    good: ['n1', 'rack-2-node-17', `a${'b'.repeat(62)}`],
    bad: ['n', 'node-', '1n', 'Node', `a${'b'.repeat(63)}`, 'a.b'],
  },
  'a process type': {
    parse: parseProcessType,
    code: 'SLIP_NAME_PROCESS_TYPE',
    good: ['web', 'Worker_2', 'my-clock', '1', 'a'.repeat(63)],
    bad: ['a'.repeat(64), 'web.1', 'web:1', '-web', '_web', '__proto__'],
  },
  'a config variable': {
    parse: parseConfigName,
    code: 'SLIP_NAME_CONFIG',
    good: ['PORT', '_x', 'a1', 'A'.repeat(128)],
    bad: ['1A', 'A-B', 'A=B', 'A.B', 'A'.repeat(129), '__proto__'],
  },
  'a host name': {
    parse: parseHostname,
    code: 'SLIP_NAME_HOST',
    good: ['example.com', 'hello.localhost', 'xn--bcher-kva.example', 'a.b-c.d1', `${'a'.repeat(63)}.example`],
    bad: [
      'localhost',
      '127.0.0.1',
      '[::1]',
      '*.example.com',
      'a..b',
      '.a.b',
      'a.b.',
      '-a.b',
      'a-.b',
      'a.b:80',
      `${'a'.repeat(64)}.com`,
      'a_b.com',
    ],
  },
};

for (const [what, { parse, code, good, bad }] of Object.entries(CASES)) {
  test(`${what} within the rule is taken as it is`, () => {
    for (const text of good) assert.equal(parse(text), text);
  });

  test(`${what} outside the rule is refused with the rule`, () => {
    for (const text of [...bad, ...HOSTILE]) {
      assert.throws(
        () => parse(text),
        (error) =>
          error instanceof SlipwayError &&
          error.code === code &&
          error.httpStatus === 422 &&
          (error.hint ?? '').length > 20,
        JSON.stringify(text),
      );
    }
  });

  test(`${what} is never accepted with a character that means something elsewhere`, () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 70 }), (text) => {
        const parsed = attempt(() => parse(text));
        return parsed === undefined || /^[A-Za-z0-9._-]+$/.test(parsed);
      }),
      { numRuns: 2000 },
    );
  });
}

test('an app name is exactly what the published pattern and the reserved words allow', () => {
  const pattern = /^[a-z](?:[a-z0-9]|-(?!-)){1,28}[a-z0-9]$/;
  const reserved = ['www', 'api', 'admin', 'slipway', 'con', 'git', 'localhost'];
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'b', 'x', 'n', '1', '-', 'A', '_'), maxLength: 33 }), (text) => {
      const allowed = pattern.test(text) && !reserved.includes(text) && !text.startsWith('xn-');
      return (attempt(() => parseAppName(text)) !== undefined) === allowed;
    }),
    { numRuns: 5000 },
  );
});

test('a domain has one form, however it is typed', () => {
  const forms = {
    'shop.example.com': ['Shop.EXAMPLE.com', 'shop.example.com.', 'ｓｈｏｐ.example。com', 'shop.ex\u00adample.com'],
    '*.shop.example.com': ['*.Shop.example.com.'],
    'xn--bcher-kva.example': ['bücher.example', 'BÜCHER.example.', 'XN--BCHER-KVA.example', 'bu\u0308cher.example'],
    '*.xn--bcher-kva.example': ['*.bücher.example'],
  };
  for (const [name, typed] of Object.entries(forms))
    for (const text of [name, ...typed]) assert.equal(parseTypedDomain(text), name, text);
});

test('a typed domain is refused when it is no host name', () => {
  const bad = [
    'b%C3%BC.example',
    'bü.example:80',
    'bü/x.example',
    'ü@x.example',
    'x..',
    '*.',
    '**.ü.example',
    '１０.0.0.1',
    'ü',
  ];
  for (const text of [...bad, `${'ü'.repeat(64)}.example`, ...HOSTILE])
    assert.throws(() => parseTypedDomain(text), { code: 'SLIP_NAME_HOST' }, text);
});

test('a host name is made lower-case', () => {
  assert.equal(parseHostname('App.Example.COM'), 'app.example.com');
});

test('every invalid input is refused quickly', () => {
  const long = `${'a-'.repeat(200_000)}!`;
  const tookMs = cpuTimeMs(() => {
    for (const { parse } of Object.values(CASES)) assert.throws(() => parse(long));
  });
  assert.ok(tookMs < LINEAR_MAX_CPU_MS, `${String(tookMs)} ms of processor time`);
});

test('the input of a user is quoted in short form without control characters', () => {
  assert.equal(quoteInput('\u001b[31mred\n'), '"\\u001b[31mred\\n"');
  assert.equal(quoteInput('\u009b31m\u202e\u200b\u007f'), '"\\u009b31m\\u202e\\u200b\\u007f"');
  assert.ok(quoteInput('a'.repeat(1000)).length < 70);
});

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    assert.ok(error instanceof SlipwayError);
    return undefined;
  }
}
