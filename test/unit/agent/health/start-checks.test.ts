import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { passStartChecks } from '../../../../agent/health/start-checks.ts';
import { readHealthCheck } from '../../../../shared/domain/read-health-checks.ts';
import type { HealthCheck } from '../../../../shared/domain/health-check.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';

const check = (fields: object): HealthCheck =>
  readHealthCheck('web', fields, { path: 'x', refuse: (what) => new Error(what) });

/** Runs checks against a process that passes from a time on, and that may end. */
async function pass(checks: readonly HealthCheck[], process: { passesAfterMs?: number; endsAfterMs?: number }) {
  const clock = new VirtualClock();
  const { passesAfterMs = Infinity, endsAfterMs = Infinity } = process;
  const asked: number[] = [];
  const start = {
    ...{ name: 'web.1', app: 'shop', startedAtMs: clock.nowMs(), target: { instanceId: 'i', address: 'a' } },
    exited: () => clock.monotonicMs() >= endsAfterMs,
    signal: new AbortController().signal,
  };
  const probe = () => {
    asked.push(clock.monotonicMs());
    const passed = clock.monotonicMs() >= passesAfterMs;
    return Promise.resolve({ passed, answer: passed ? 'it answered 200' : 'it answered 503' });
  };
  let end: Awaited<ReturnType<typeof passStartChecks>> | undefined;
  void passStartChecks(checks, start, { probe, clock }).then((value) => (end = value));
  await clock.until(() => end !== undefined, 3_600_000);
  return { end: typeof end === 'object' ? end.message : end, tookMs: clock.monotonicMs(), asked };
}

describe('the checks of a start', () => {
  it('pass when each has passed, after its initial delay', async () => {
    const checks = [check({ path: '/up', initialDelay: 3, wait: 1 }), check({ uptime: 10 })];
    assert.deepEqual(await pass(checks, { passesAfterMs: 4_000 }), {
      end: 'passed',
      tookMs: 10_000,
      asked: [3_000, 4_000],
    });
  });

  it('fail after all attempts, in words', async () => {
    const { end, asked } = await pass([check({ path: '/up', attempts: 3, wait: 2 })], {});
    assert.deepEqual(asked, [0, 2_000, 4_000]);
    assert.equal(end, 'web.1 did not start: startup check /up failed 3 times: it answered 503.');
  });

  it('wait longer for the first readiness, and ask more often', async () => {
    const ready = check({ type: 'readiness', path: '/up', attempts: 2 });
    assert.deepEqual((await pass([ready], { passesAfterMs: 50_000 })).end, 'passed');
    const { end, tookMs } = await pass([ready], {});
    assert.equal(tookMs, 60_000);
    assert.match(end ?? '', /^web\.1 did not become ready: readiness check \/up failed 2 times/);
  });

  it('end with their process', async () => {
    assert.equal((await pass([check({ path: '/up', initialDelay: 60 })], { endsAfterMs: 5_000 })).end, 'exited');
    assert.equal((await pass([check({ uptime: 60 })], { endsAfterMs: 5_000 })).end, 'exited');
  });
});
