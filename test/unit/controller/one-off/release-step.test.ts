import assert from 'node:assert/strict';
import { it } from 'node:test';
import { stepsBefore } from '../../../../controller/one-off/release-step.ts';
import { slugOf } from '../../../support/store-fixtures.ts';

const slug = { ...slugOf('a'), processTypes: { web: 'serve', release: 'migrate' }, scripts: { predeploy: 'assets' } };

it('runs predeploy, then the release command', () => {
  const steps = stepsBefore({ cause: 'deploy', slug });
  assert.deepEqual(steps, [{ script: 'predeploy', command: 'assets' }, { command: 'migrate' }]);
  assert.deepEqual(stepsBefore({ cause: 'deploy', slug: slugOf('a') }), []);
});

it('runs only the release command for a release without new code', () => {
  for (const cause of ['config', 'rollback', 'settings'] as const)
    assert.deepEqual(stepsBefore({ cause, slug }), [{ command: 'migrate' }]);
});
