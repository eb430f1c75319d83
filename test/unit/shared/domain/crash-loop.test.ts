import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { crashLoopOf, sayCrashLoop } from '../../../../shared/domain/crash-loop.ts';
import type { InstanceState } from '../../../../shared/domain/instance.ts';

const NOW = 10_000_000;
const MINUTE = 60_000;
const crashed = {
  state: 'backoff' as InstanceState,
  restarts: 9,
  crashes: { count: 5, sinceMs: NOW - 130_000 },
  lastExit: { code: 3, oomKilled: false, atMs: NOW - 10_000 },
  nextStartAtMs: NOW + 20_000,
};

function say(over: Partial<typeof crashed>, startedAtMs?: number): string | undefined {
  const status = { ...crashed, ...over };
  const loop = crashLoopOf(status, NOW);
  return loop && sayCrashLoop(loop, { state: status.state, startedAtMs, nowMs: NOW });
}

describe('a crash loop', () => {
  it('is reported in each state of the instance, with the next step', () => {
    assert.equal(say({}), 'keeps crashing (5 times in 2 min), next start in 20 s');
    const between = { nextStartAtMs: undefined } as unknown as Partial<typeof crashed>;
    for (const state of ['pending', 'fetching', 'starting'] as const)
      assert.equal(say({ ...between, state }), 'keeps crashing (5 times in 2 min), starting now');
    assert.equal(say({ ...between, state: 'live' }, NOW - 3000), 'keeps crashing (5 times in 2 min), up again for 3 s');
  });

  it('needs three crashes in a row, however often the instance was restarted before', () => {
    assert.equal(say({ crashes: { count: 2, sinceMs: NOW } }), undefined);
    assert.match(say({ crashes: { count: 3, sinceMs: NOW } }) ?? '', /3 times/);
  });

  it('ends when the process has run for ten minutes, but not while it waits for a start', () => {
    const lastExit = { code: 3, oomKilled: false, atMs: NOW - 10 * MINUTE };
    assert.equal(say({ state: 'live', lastExit }), undefined);
    assert.ok(say({ state: 'backoff', lastExit }));
  });

  it('is over when the instance has ended for good', () => {
    for (const state of ['stopping', 'stopped', 'failed'] as const) assert.equal(say({ state }), undefined);
  });

  it('is detected by the number of restarts for an older agent', () => {
    assert.equal(
      say({ crashes: undefined } as unknown as Partial<typeof crashed>),
      'keeps crashing (9 times), next start in 20 s',
    );
  });
});
