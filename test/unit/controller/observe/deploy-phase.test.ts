import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deployPhase } from '../../../../controller/observe/deploy-phase.ts';

const IDLE = { isRunning: false, instances: [] };

describe('the phase of the newest deploy', () => {
  it('is the one of a build that has not ended, also while an older release serves', () => {
    const release = { state: 'current', createdAtMs: 1 } as const;
    const phaseOf = (state: 'queued' | 'running' | 'failed' | 'cancelled') =>
      deployPhase({ ...IDLE, release, build: { state, createdAtMs: 2 } });
    assert.deepEqual(phaseOf('queued'), { phase: 'queued', about: 'build' });
    assert.deepEqual(phaseOf('running'), { phase: 'building', about: 'build' });
    assert.deepEqual(phaseOf('failed'), { phase: 'failed', about: 'build' });
    assert.deepEqual(phaseOf('cancelled'), { phase: 'cancelled', about: 'build' });
  });

  it('is waiting between the build and the release, and failed when a crash came between', () => {
    const build = { state: 'succeeded', createdAtMs: 2 } as const;
    assert.equal(deployPhase({ ...IDLE, build, isRunning: true }).phase, 'waiting');
    assert.equal(deployPhase({ ...IDLE, build }).phase, 'failed');
  });

  it('is the one of the release after its build', () => {
    const build = { state: 'succeeded', createdAtMs: 2 } as const;
    const phaseOf = (state: 'pending' | 'current' | 'failed' | 'superseded') =>
      deployPhase({ ...IDLE, build, release: { state, createdAtMs: 3 } }).phase;
    assert.deepEqual((['pending', 'current', 'failed', 'superseded'] as const).map(phaseOf), [
      'waiting',
      'live',
      'failed',
      'live',
    ]);
    assert.equal(deployPhase(IDLE).phase, 'none');
  });

  it('is starting until the new instances serve alone, and settling after that', () => {
    const release = { state: 'deploying', createdAtMs: 3 } as const;
    const instance = (isNew: boolean, isLive: boolean) => ({ isNew, isLive });
    const phaseOf = (...instances: readonly ReturnType<typeof instance>[]) =>
      deployPhase({ ...IDLE, release, instances }).phase;
    assert.equal(phaseOf(instance(false, true)), 'starting');
    assert.equal(phaseOf(instance(false, true), instance(true, true)), 'starting');
    assert.equal(phaseOf(instance(true, false)), 'starting');
    assert.equal(phaseOf(instance(true, true)), 'settling');
  });
});
