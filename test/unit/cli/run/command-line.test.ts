import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandLine, parseEnv } from '../../../../cli/run/command-line.ts';

describe('the command line of a one-off command', () => {
  it('is joined as on Heroku', () => {
    assert.equal(commandLine(['rake test && echo $HOME']), 'rake test && echo $HOME');
    assert.equal(
      commandLine(['node', 'job.js', '--name', 'two words', 'a"b']),
      'node job.js --name "two words" "a\\"b"',
    );
  });

  it('must not be empty', () => {
    for (const words of [[], [' ']]) assert.throws(() => commandLine(words), { code: 'SLIP_CLI_USAGE' });
  });

  it('has variables with semicolons between them', () => {
    assert.deepEqual(parseEnv('A=1;B=x=y;C='), { A: '1', B: 'x=y', C: '' });
    assert.throws(
      () => parseEnv('secret'),
      (error: Error) => !error.message.includes('secret'),
    );
  });
});
