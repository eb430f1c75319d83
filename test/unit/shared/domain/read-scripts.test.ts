import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SCRIPT_LENGTH_MAX } from '../../../../shared/domain/deploy-scripts.ts';
import { readScripts, type ReadScripts } from '../../../../shared/domain/read-scripts.ts';

const read = (value: unknown): ReadScripts => readScripts(value, (what) => new Error(what));

describe('the scripts of app.json', () => {
  it('are those of Heroku and of Dokku, as text or as an object', () => {
    const { scripts, unused } = read({
      postdeploy: { command: 'rake bootstrap', size: 'standard-1x' },
      'pr-predestroy': 'rake cleanup',
      dokku: { predeploy: ' sh assets.sh ', postdeploy: 'curl https://hook', other: 'x' },
    });
    assert.deepEqual(scripts, { predeploy: 'sh assets.sh', setup: 'rake bootstrap', postdeploy: 'curl https://hook' });
    assert.deepEqual(unused, ['scripts.pr-predestroy', 'scripts.dokku.other', 'scripts.postdeploy.size']);
  });

  it('are absent when there are none, or when they are empty', () => {
    assert.deepEqual(read({}), { scripts: {}, unused: [] });
    assert.deepEqual(read({ postdeploy: ' ', dokku: { predeploy: '' } }).scripts, {});
  });

  for (const [name, value, message] of [
    ['a list', [], /"scripts" must be an object/],
    ['a number', { postdeploy: 1 }, /"scripts\.postdeploy" must be a text, or an object with a "command"/],
    ['null', { dokku: { predeploy: null } }, /"scripts\.dokku\.predeploy" must be a text, or an object/],
    ['an object without a command', { postdeploy: {} }, /"scripts\.postdeploy\.command" must be a text/],
    ['a NUL character', { postdeploy: 'a\0b' }, /contains a NUL character/],
    ['a long text', { postdeploy: 'a'.repeat(SCRIPT_LENGTH_MAX + 1) }, /has more than 4096 characters/],
  ] as const)
    it(`are refused: ${name}`, () => {
      assert.throws(() => read(value), { message });
    });
});
