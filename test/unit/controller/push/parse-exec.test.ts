import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseExec } from '../../../../controller/push/parse-exec.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';

const ACCEPTED: readonly (readonly [command: string, service: string, app: string])[] = [
  ["git-receive-pack 'blog'", 'receive-pack', 'blog'],
  ["git-receive-pack '/blog.git'", 'receive-pack', 'blog'],
  ["git receive-pack 'blog.git'", 'receive-pack', 'blog'],
  ["git-upload-pack '/~/blog.git'", 'upload-pack', 'blog'],
  ["git upload-pack '~/blog'", 'upload-pack', 'blog'],
  ['git-upload-pack blog', 'upload-pack', 'blog'],
  ["git-receive-pack '/blog.git/'", 'receive-pack', 'blog'],
  ["git-receive-pack 'my-app-2'", 'receive-pack', 'my-app-2'],
  ["git-receive-pack 'bl''og'", 'receive-pack', 'blog'],
];

const NOT_COMMANDS: readonly string[] = [
  '',
  'git-receive-pack',
  'git-receive-pack ',
  'git-receive-pack  blog',
  'git-receive-pack "blog"',
  "git-receive-pack 'blog",
  "git-receive-pack 'blog' 'b'",
  'git-receive-pack blog;id',
  'git-receive-pack $(id)',
  'git-receive-pack `id`',
  'git-receive-pack blog\nid',
  'git-receive-pack blog\0',
  'git-receive-pack --upload-pack=x',
  'git-receive-pack -x',
  "git-receive-pack --help 'blog'",
  " git-receive-pack 'blog'",
  "GIT-RECEIVE-PACK 'blog'",
  "env X=1 git-receive-pack 'blog'",
  "/usr/bin/git-receive-pack 'blog'",
  "git-upload-archive 'blog'",
  "git  receive-pack 'blog'",
  'scp -t /tmp',
  'rsync --server . /',
  'sh',
  'git-receive-pack blög',
  'git‐receive-pack blog',
  `git-receive-pack '${'a'.repeat(1_000_000)}'`,
];

const BAD_NAMES: readonly string[] = [
  "git-receive-pack '../x'",
  "git-receive-pack '/../blog'",
  "git-receive-pack '//blog'",
  "git-receive-pack '/a/blog'",
  "git-receive-pack 'blog/..'",
  "git-receive-pack 'a'\\''b'",
  "git-receive-pack 'blog;id'",
  "git-receive-pack '$(touch /tmp/pwn)'",
  "git-receive-pack '-x'",
  "git-receive-pack '--upload-pack=x'",
  "git-receive-pack ''",
  "git-receive-pack '.git'",
  "git-receive-pack 'BLOG'",
  "git-receive-pack 'admin'",
  "git-receive-pack 'blоg'",
  "git-receive-pack 'blog.git.git'",
];

function codeOf(command: string): string {
  try {
    parseExec(command);
    return 'accepted';
  } catch (error) {
    assert.ok(error instanceof SlipwayError);
    return error.code;
  }
}

test('every form in which git asks for an app is understood', () => {
  for (const [command, service, app] of ACCEPTED) assert.deepEqual(parseExec(command), { service, app }, command);
});

test('a command that is not one verb with one argument is refused', () => {
  for (const command of NOT_COMMANDS)
    assert.equal(codeOf(command), 'SLIP_PUSH_COMMAND', JSON.stringify(command.slice(0, 80)));
});

test('a path that is not an app name is refused by the rule for names', () => {
  for (const command of BAD_NAMES) assert.equal(codeOf(command), 'SLIP_NAME_APP', command);
});

test('a refusal shows a short, escaped copy of the command', () => {
  assert.throws(
    () => parseExec(`\u001b[31m${'x'.repeat(500)}`),
    (error: Error) => error.message.length < 200 && !error.message.includes('\u001b'),
  );
});

test('any input gives a valid app or a SlipwayError', () => {
  const pieces = fc.constantFrom(
    'git-receive-pack ',
    'git upload-pack ',
    "'",
    '\\',
    '/',
    '~',
    '.git',
    'blog',
    ' ',
    ';',
    '$',
    '`',
    '\n',
    '-',
    '!',
    '"',
  );
  const strings = fc.oneof(
    fc.string(),
    fc.array(pieces, { maxLength: 12 }).map((all) => all.join('')),
  );
  fc.assert(
    fc.property(strings, (command) => {
      try {
        assert.match(parseExec(command).app, /^[a-z][a-z0-9-]{1,28}[a-z0-9]$/);
      } catch (error) {
        assert.ok(error instanceof SlipwayError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
