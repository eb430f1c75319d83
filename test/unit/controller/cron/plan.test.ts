import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  BACK_MAX_MS,
  LATE_MS,
  MISSED_COUNTED_MAX,
  planCron,
  type CronPlan,
  type PlannedEntry,
} from '../../../../controller/cron/plan.ts';
import { nextTick } from '../../../../shared/domain/cron-schedule.ts';

const MINUTE = 60_000;
const START = Date.parse('2026-03-01T00:00Z');
const ENTRY: PlannedEntry = {
  ...{ key: 'a', schedule: '*/5 * * * *', timeZone: 'Etc/UTC', decidedMs: START, missed: 'run-once', waits: false },
};
const plan = (change: Partial<PlannedEntry>, nowMs: number): CronPlan => planCron([{ ...ENTRY, ...change }], nowMs);
const at = (minutes: number): number => START + minutes * MINUTE;

describe('the plan of cron', () => {
  it('is empty before the next tick, and wakes up at it', () => {
    assert.deepEqual(plan({}, at(3)), { due: [], decided: [], wentBackMs: 0, wakeAtMs: at(5) });
    assert.equal(planCron([], at(3)).wakeAtMs, undefined);
  });

  it('starts a tick once, on time', () => {
    const { due, wakeAtMs } = plan({}, at(5));
    assert.deepEqual(due, [{ key: 'a', tickMs: at(5), action: 'run', missed: 0, isLate: false }]);
    assert.equal(wakeAtMs, at(10));
    assert.deepEqual(plan({ decidedMs: at(5) }, at(6)).due, []);
  });

  it('runs once for all missed ticks, or not at all when app.json says so', () => {
    const missed = { key: 'a', tickMs: at(60), missed: 11 };
    assert.deepEqual(plan({}, at(62)).due, [{ ...missed, action: 'run', isLate: true }]);
    assert.deepEqual(plan({ missed: 'skip' }, at(62)).due, [{ ...missed, missed: 12, action: 'skip', isLate: true }]);
    assert.deepEqual(plan({ missed: 'skip' }, at(60)).due, [{ ...missed, action: 'run', isLate: false }]);
    assert.deepEqual(
      plan({ missed: 'skip', waits: true }, at(62)).due[0]?.action,
      'run',
      'a tick that waits for a node is not missed',
    );
  });

  it('passes the ticks of a suspended entry over, and says that a stopped one does not run', () => {
    assert.deepEqual(plan({ paused: 'suspended' }, at(11)), {
      ...{ due: [], decided: [{ key: 'a', decidedMs: at(10) }], wentBackMs: 0, wakeAtMs: at(15) },
    });
    assert.equal(plan({ paused: 'stopped' }, at(11)).due[0]?.action, 'stopped');
  });

  it('is bounded when the clock jumps forward by ten years', () => {
    const { due } = plan({ schedule: '* * * * *' }, Date.parse('2036-03-01T00:00:30Z'));
    assert.deepEqual(due, [
      {
        ...{ key: 'a', tickMs: Date.parse('2036-03-01T00:00Z'), action: 'run', isLate: false },
        missed: MISSED_COUNTED_MAX - 1,
      },
    ]);
  });

  it('waits for a clock that went back a little, and follows one that went back far', () => {
    assert.deepEqual(plan({ decidedMs: at(50) }, at(0)), { ...plan({}, at(0)), wakeAtMs: at(55) });
    const far = plan({ decidedMs: at(0) + BACK_MAX_MS + 1 }, at(0));
    assert.deepEqual(far.decided, [{ key: 'a', decidedMs: at(0) }]);
    assert.deepEqual([far.wentBackMs, far.wakeAtMs], [BACK_MAX_MS + 1, at(5)]);
  });

  /** Minutes to the next look (a restart or a long absence is a long step), and whether a deploy keeps or changes the schedule. */
  const steps = fc.array(
    fc.record({
      stepMs: fc.oneof(
        fc.integer({ min: 1, max: 30_000 }),
        fc.integer({ min: 0, max: 300 * MINUTE }),
        fc.integer({ min: -BACK_MAX_MS, max: 0 }),
      ),
      deploy: fc.constantFrom(undefined, undefined, '*/5 * * * *', '0 * * * *', '30 2 * * *'),
      crash: fc.boolean(),
    }),
    { minLength: 1, maxLength: 60 },
  );

  it('decides each matching minute exactly once, over restarts, clock jumps and deploys', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom('Etc/UTC', 'Europe/Berlin', 'America/New_York'), (walk, timeZone) => {
        let entry: PlannedEntry = { ...ENTRY, timeZone, decidedMs: Date.parse('2026-03-28T20:00Z') };
        let nowMs = entry.decidedMs;
        const ran = new Set<number>();
        for (const { stepMs, deploy, crash } of walk) {
          nowMs += stepMs;
          // A new schedule has no ticks before the deploy. A deploy with the same schedule changes nothing.
          if (deploy !== undefined && deploy !== entry.schedule)
            entry = { ...entry, schedule: deploy, decidedMs: Math.max(nowMs, entry.decidedMs) };
          const [due] = planCron([entry], nowMs).due;
          if (crash || due === undefined) continue; // a crash before the transaction changes nothing
          assert.equal(countTicks(entry, due.tickMs), due.missed + 1, 'every tick since the last decision is counted');
          assert.ok(!ran.has(due.tickMs), 'no tick runs twice');
          assert.ok(due.tickMs > entry.decidedMs && due.tickMs <= nowMs);
          assert.equal(due.isLate, nowMs - due.tickMs > LATE_MS);
          ran.add(due.tickMs);
          entry = { ...entry, decidedMs: due.tickMs };
          assert.deepEqual(planCron([entry], nowMs).due, [], 'nothing is left');
        }
      }),
      { numRuns: 60 },
    );
  });
});

/** Ticks after the last decision, until this one. */
function countTicks(entry: PlannedEntry, untilMs: number): number {
  let count = 0;
  for (let tick = nextTick(entry, entry.decidedMs); tick !== undefined && tick <= untilMs; count += 1)
    tick = nextTick(entry, tick);
  return count;
}
