import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changeReplacedWorker } from '../../../../agent/proxy/haproxy/replaced-worker.ts';
import type { Clock } from '../../../../shared/kit/clock.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';

const PID = 7;
const LIMIT_MS = 1000;

/** Its time passes only in a sleep. */
function sleepClock(): Clock {
  let nowMs = 0;
  const sleep = (ms: number): Promise<void> => {
    nowMs += ms;
    return Promise.resolve();
  };
  return { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep };
}

/** The number of attempts at a worker whose first `failures` changes fail, and which ends after `lives` failures. */
async function attemptsAt({ failures, lives }: { failures: number; lives: number }): Promise<number> {
  let attempts = 0;
  const correctOld = (): Promise<void> => {
    attempts += 1;
    return attempts > failures ? Promise.resolve() : Promise.reject(new Error('closed'));
  };
  await changeReplacedWorker(PID, () => [], {
    clock: sleepClock(),
    logger: silentLogger,
    runtime: { correctOld },
    replacedPids: () => Promise.resolve(attempts >= lives ? [] : [PID]),
    limitMs: LIMIT_MS,
  });
  return attempts;
}

describe('a change of a replaced worker', () => {
  it('is sent once if the worker takes it', async () => {
    assert.equal(await attemptsAt({ failures: 0, lives: Infinity }), 1);
  });

  it('is sent again after a failure, because the worker may still serve requests', async () => {
    assert.equal(await attemptsAt({ failures: 3, lives: Infinity }), 4);
  });

  it('ends when the worker has ended', async () => {
    assert.equal(await attemptsAt({ failures: Infinity, lives: 2 }), 2);
  });

  it('ends at its limit if a worker never answers', async () => {
    assert.ok((await attemptsAt({ failures: Infinity, lives: Infinity })) > 10);
  });
});
