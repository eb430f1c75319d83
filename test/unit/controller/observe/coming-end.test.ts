import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { comingEnd, type ComingEndFacts } from '../../../../controller/observe/coming-end.ts';

const RUNNING: ComingEndFacts = {
  instance: 'web.1',
  release: 4,
  node: 'fra-1',
  desired: 'run',
  latest: { version: 4, state: 'current' },
  bakeMs: 10_000,
};

function said(change: Partial<ComingEndFacts>): readonly (string | undefined)[] {
  const coming = comingEnd({ ...RUNNING, ...change });
  return [coming?.notice, coming?.ended];
}

describe('the coming end of an instance', () => {
  it('is not there while the instance stays, also when a newer release waits or has failed', () => {
    assert.deepEqual(said({}), [undefined, undefined]);
    for (const state of ['pending', 'failed'] as const)
      assert.deepEqual(said({ latest: { version: 5, state } }), [undefined, undefined]);
  });

  it('comes with a deploy', () => {
    const ended = 'v5 has replaced v4. This session was in web.1 of v4 and ended with it.';
    assert.deepEqual(said({ latest: { version: 5, state: 'deploying' } }), [
      'v5 is being deployed. This session is in web.1 of v4, which ends about 10 s after v5 serves.',
      ended,
    ]);
    const latest = { version: 5, state: 'current' } as const;
    assert.deepEqual(said({ latest, desired: 'standby' }), [
      'v5 serves now. This session is in web.1 of v4, which ends in about 10 s.',
      ended,
    ]);
    assert.deepEqual(said({ latest, desired: 'stop' }), [
      'web.1 of v4 is being stopped, so this session ends within a minute.',
      ended,
    ]);
  });

  it('comes with a drain, first without and then with the new node', () => {
    const drainUntilMs = Date.UTC(2026, 0, 1, 14, 32, 5);
    assert.deepEqual(said({ drainUntilMs }), [
      'fra-1 is being drained until 14:32:05 UTC at the latest. This session ends when web.1 has moved to another node.',
      'web.1 on fra-1 has ended, because fra-1 is being drained. This session ended with it.',
    ]);
    assert.deepEqual(said({ drainUntilMs, copy: { node: 'fra-2', reason: 'drain' } }), [
      'web.1 moves from fra-1 to fra-2, because fra-1 is being drained. This session ends when web.1 is live there.',
      'web.1 has moved from fra-1 to fra-2, because fra-1 is being drained. This session was in the former instance and ended with it.',
    ]);
  });

  it('comes with a restart, a rebalance and a stop', () => {
    assert.match(
      said({ copy: { node: 'fra-2', reason: 'restart' } })[0] ?? '',
      /^web\.1 is being restarted on fra-2\./,
    );
    assert.match(said({ copy: { node: 'fra-2', reason: 'rebalance' } })[0] ?? '', /the fleet is being rebalanced/);
    for (const desired of ['stop', undefined] as const)
      assert.deepEqual(said({ desired }), [
        'web.1 of v4 is being stopped, so this session ends within a minute.',
        undefined,
      ]);
  });
});
