import assert from 'node:assert/strict';
import { it } from 'node:test';
import { commandWords } from '../../../../cli/checks/command-words.ts';

it('splits a command at spaces, and takes a list as it is', () => {
  assert.deepEqual(commandWords(' test  -f /app/ok '), ['test', '-f', '/app/ok']);
  assert.deepEqual(commandWords('["sh", "-c", "test -f ok || exit 1"]'), ['sh', '-c', 'test -f ok || exit 1']);
});

it('refuses what only a shell understands, an empty command, and a list of something else', () => {
  for (const line of ["sh -c 'exit 0'", 'test -f $HOME/ok', 'a && b', 'ls *.js', 'a > b', 'echo `id`'])
    assert.throws(() => commandWords(line), { code: 'SLIP_CLI_USAGE', message: /has no shell/ }, line);
  for (const line of ['', '  ']) assert.throws(() => commandWords(line), { message: /Name the command/ }, line);
  for (const line of ['[', '[]', '[1]', '["a", null]'])
    assert.throws(() => commandWords(line), { code: 'SLIP_CLI_USAGE', message: /not a JSON list of texts/ }, line);
});
