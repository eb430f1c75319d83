import assert from 'node:assert/strict';
import { it } from 'node:test';
import { scriptsAfter } from '../../../../controller/domain/due-scripts.ts';
import { slugOf } from '../../../support/store-fixtures.ts';

const slug = { ...slugOf('a'), scripts: { predeploy: 'p', setup: 's', postdeploy: 'd' } };

it('runs scripts.postdeploy after the first deploy only, and scripts.dokku.postdeploy after each', () => {
  assert.deepEqual(scriptsAfter({ cause: 'deploy', slug }, true), ['setup', 'postdeploy']);
  assert.deepEqual(scriptsAfter({ cause: 'promote', slug }, false), ['postdeploy']);
  assert.deepEqual(scriptsAfter({ cause: 'deploy', slug: slugOf('a') }, true), []);
});

it('runs no script for a release without new code', () => {
  for (const cause of ['config', 'rollback', 'settings'] as const)
    assert.deepEqual(scriptsAfter({ cause, slug }, false), []);
});
