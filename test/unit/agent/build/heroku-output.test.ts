import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { humanBytes, processTypesBlock, stackTitle, stackVariable } from '../../../../agent/build/heroku-output.ts';

describe('the output of a build', () => {
  it('has sizes as Heroku prints them', () => {
    assert.deepEqual([13_517, 47_395_635, 5 * 1024 ** 3].map(humanBytes), ['13.2K', '45.2M', '5.0G']);
  });

  it('lists the types of the Procfile, and those that only the buildpack has', () => {
    assert.equal(
      processTypesBlock(['worker', 'web'], ['web', 'console'], 'heroku/nodejs'),
      '-----> Discovering process types\n       Procfile declares types -> web, worker\n       Default types for heroku/nodejs -> console\n',
    );
    assert.match(processTypesBlock([], ['web'], 'x'), /declares types -> \(none\)/);
  });

  it('names the stack as buildpacks know it', () => {
    assert.equal(stackTitle('heroku-24'), 'Heroku-24');
    assert.equal(stackVariable('host', 'ubuntu-24.04-x64'), 'heroku-24');
    assert.equal(stackVariable('host', 'debian-12-arm64'), 'debian-12');
    assert.equal(stackVariable('heroku-22', 'debian-12-x64'), 'heroku-22');
  });
});
