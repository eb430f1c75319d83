import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HealthMonitor, type Monitored } from '../../../../agent/health/monitor.ts';
import { readHealthCheck } from '../../../../shared/domain/read-health-checks.ts';
import type { HealthCheck } from '../../../../shared/domain/health-check.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';

const check = (fields: object): HealthCheck =>
  readHealthCheck('web', { path: '/up', ...fields }, { path: 'x', refuse: (what) => new Error(what) });

function setUp() {
  const clock = new VirtualClock();
  const asked: string[] = [];
  const answers = { passed: true, hangs: false };
  let changes = 0;
  const monitor = new HealthMonitor({
    clock,
    random: () => 0,
    probe: async ({ type }, { address }, signal) => {
      asked.push(`${type} of ${address}`);
      if (answers.hangs && type === 'liveness') await clock.sleep(1e9, signal).catch(() => undefined);
      return { passed: answers.passed, answer: answers.passed ? 'it answered 200' : 'it answered 503' };
    },
    onChange: () => (changes += 1),
  });
  const process = (id: string, over: Partial<Monitored> = {}): Monitored => ({
    ...{ instanceId: id, address: id, port: 80, startedAtMs: clock.nowMs(), failing: [] },
    checks: [check({ type: 'readiness', wait: 1 }), check({ type: 'liveness', wait: 1, initialDelay: 10 })],
    ...over,
  });
  return { clock, asked, answers, monitor, process, changes: () => changes };
}

describe('the health monitor', () => {
  it('asks each check in its own rhythm, and tells of changes only', async () => {
    const { clock, asked, answers, monitor, process, changes } = setUp();
    monitor.follow([process('one')]);
    await clock.advance(4_500);
    assert.deepEqual([asked.length, changes()], [5, 1]);
    answers.passed = false;
    await clock.advance(4_000);
    assert.deepEqual(
      monitor.healthOf('one')?.failing.map(({ type }) => type),
      ['readiness'],
    );
    assert.equal(asked.includes('liveness of one'), false, 'its initial delay is not over');
    answers.passed = true;
    await clock.advance(1_000);
    assert.deepEqual(monitor.healthOf('one')?.failing, []);
    monitor.stop();
  });

  it('does not wait for a check that hangs', async () => {
    const { clock, asked, answers, monitor, process } = setUp();
    answers.hangs = true;
    monitor.follow([process('one'), process('two')]);
    await clock.advance(30_000);
    assert.equal(asked.filter((each) => each === 'liveness of one').length, 1);
    assert.ok(asked.filter((each) => each === 'readiness of two').length >= 30);
    monitor.stop();
  });

  it('runs all checks at once on request, and says when they have answered', async () => {
    const { clock, asked, answers, monitor, process } = setUp();
    const slow = [check({ type: 'readiness', wait: 60 }), check({ type: 'liveness', wait: 60, initialDelay: 60 })];
    monitor.follow([process('one', { checks: slow }), process('two', { checks: slow })]);
    await clock.advance(1_000);
    answers.passed = false;
    monitor.runNow(['one', 'unknown'], 7);
    await clock.advance(1);
    assert.deepEqual(asked.slice(-2), ['readiness of one', 'liveness of one']);
    assert.deepEqual([monitor.healthOf('one')?.run, monitor.healthOf('two')?.run], [7, undefined]);
    const { results, failing } = monitor.healthOf('one')!;
    assert.deepEqual(
      results.map(({ passed, lastPassed }) => [passed, lastPassed]),
      [
        [true, false],
        [true, false],
      ],
    );
    assert.deepEqual(failing, [], 'one failed attempt is not enough');
    monitor.stop();
  });

  it('ends with its process, and begins anew for the next one', async () => {
    const { clock, asked, answers, monitor, process } = setUp();
    const first = process('one');
    monitor.follow([first]);
    answers.passed = false;
    await clock.advance(5_000);
    assert.equal(monitor.healthOf('one')?.failing.length, 1);
    monitor.follow([process('one', { startedAtMs: clock.nowMs() })]);
    assert.deepEqual(monitor.healthOf('one')?.failing, []);
    monitor.follow([]);
    const before = asked.length;
    await clock.advance(60_000);
    assert.deepEqual([monitor.healthOf('one'), asked.length], [undefined, before]);
  });

  it('takes over what failed before the agent restarted, until the check passes', async () => {
    const { clock, answers, monitor, process } = setUp();
    answers.passed = false;
    monitor.follow([process('one')]);
    await clock.advance(5_000);
    const { failing } = monitor.healthOf('one')!;
    const next = setUp();
    next.answers.passed = false;
    next.monitor.follow([next.process('one', { failing })]);
    assert.deepEqual(next.monitor.healthOf('one')?.failing, failing);
    next.answers.passed = true;
    await next.clock.advance(1_500);
    assert.deepEqual(next.monitor.healthOf('one')?.failing, []);
    monitor.stop();
    next.monitor.stop();
  });

  it('checks nothing without readiness and liveness checks', async () => {
    const { clock, asked, monitor, process } = setUp();
    monitor.follow([process('one', { checks: [check({ type: 'startup' })] })]);
    await clock.advance(60_000);
    assert.deepEqual([asked, monitor.healthOf('one')], [[], undefined]);
  });
});
