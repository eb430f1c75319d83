import assert from 'node:assert/strict';
import { it } from 'node:test';
import { holdsRelease, releaseProcess } from '../../../../controller/domain/commands.ts';

it('tells the commands that a release waits for from those that run after it', () => {
  const holds = (process: string): boolean => holdsRelease({ kind: 'release', process, release: 12 });
  assert.deepEqual([holds('release.12'), holds(releaseProcess(12, 'predeploy'))], [true, true]);
  assert.deepEqual([holds(releaseProcess(12, 'setup')), holds('release.postdeploy.12')], [false, false]);
  assert.equal(holdsRelease({ kind: 'run', process: 'run.12', release: 12 }), false);
});
