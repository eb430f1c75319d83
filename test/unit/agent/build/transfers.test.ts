import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { retryDelayMs, Transfers } from '../../../../agent/build/transfers.ts';
import { TRANSFER_RETRY_MS } from '../../../../shared/domain/build.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';

const answer = (httpStatus: number, code = 'SLIP_IMAGE_TRANSFER'): SlipwayError =>
  new SlipwayError({
    code,
    kind: httpStatus >= 500 ? 'transient' : 'user',
    message: `HTTP ${String(httpStatus)}`,
    httpStatus,
  });
const away = new SlipwayError({ code: 'SLIP_CONTROLLER_UNREACHABLE', kind: 'transient', message: 'refused' });

interface Rig {
  readonly transfers: Transfers;
  readonly cancel: AbortController;
  readonly said: string[];
  /** Of the moments at which {@link Rig.work} was called. */
  readonly triesMs: number[];
  /** Fails until that time. */
  work(error: Error, untilMs: number): () => Promise<string>;
}

function setUp(onSleep?: (rig: Rig) => void): Rig {
  let nowMs = 0;
  const cancel = new AbortController();
  const said: string[] = [];
  const triesMs: number[] = [];
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    onSleep?.(rig);
    await Promise.resolve();
    signal?.throwIfAborted();
    nowMs += ms;
  };
  const clock = { ...systemClock, monotonicMs: () => nowMs, sleep };
  const transfers = new Transfers({
    clock,
    random: () => 0.999_999,
    signal: cancel.signal,
    warn: (sentence) => said.push(sentence),
  });
  const work = (error: Error, untilMs: number) => async (): Promise<string> => {
    triesMs.push(nowMs);
    if (nowMs < untilMs) throw error;
    return 'done';
  };
  const rig: Rig = { transfers, cancel, said, triesMs, work };
  return rig;
}

describe('transfers of a build', () => {
  it('survive an outage of half a minute, with growing pauses and one line for the user', async () => {
    const { transfers, work, said, triesMs } = setUp();
    assert.equal(await transfers.retry(work(away, 30_000)), 'done');
    assert.deepEqual(triesMs.slice(0, 6), [0, 500, 1500, 3500, 7500, 12_500]);
    assert.deepEqual(said, ['The connection to the controller was lost; retrying for up to 90 s.']);
  });

  it('end with their last error, before the controller gives up the build', async () => {
    const { transfers, work, triesMs } = setUp();
    await assert.rejects(transfers.retry(work(away, Infinity)), away);
    assert.ok(triesMs.at(-1)! <= TRANSFER_RETRY_MS && triesMs.at(-1)! > TRANSFER_RETRY_MS - 5000);
  });

  it('report one outage when they run at the same time or break again soon', async () => {
    const { transfers, work, said } = setUp();
    await Promise.all([transfers.retry(work(away, 10_000)), transfers.retry(work(answer(503), 10_000))]);
    await transfers.retry(work(away, 30_000));
    assert.equal(said.length, 1);
    await assert.rejects(transfers.retry(work(away, Infinity)), away);
    assert.equal(said.length, 1);
  });

  it('report a later outage too', async () => {
    const { transfers, work, said } = setUp();
    for (let run = 0; run < 2; run += 1) await assert.rejects(transfers.retry(work(away, Infinity)), away);
    await transfers.retry(work(away, 200_000));
    assert.equal(said.length, 2);
  });

  it('stop when the build is cancelled, in the middle of a pause too', async () => {
    const reason = new Error('cancelled');
    const { transfers, work, triesMs } = setUp(({ cancel }) => cancel.abort(reason));
    await assert.rejects(transfers.retry(work(away, Infinity)), reason);
    assert.deepEqual(triesMs, [0]);
    await assert.rejects(transfers.retry(work(away, 0)), reason);
    assert.deepEqual(triesMs, [0]);
  });

  it('are repeated only after temporary errors', () => {
    const isRetried = (error: unknown): boolean =>
      retryDelayMs(error, { attempt: 0, leftMs: 1000, random: 0 }) !== undefined;
    for (const error of [away, answer(502), answer(503), answer(504)]) assert.ok(isRetried(error), error.message);
    for (const error of [400, 401, 403, 404, 409, 413, 422, 429, 500, 507].map((status) => answer(status))) {
      assert.ok(!isRetried(error), error.message);
    }
    assert.ok(!isRetried(answer(503, 'SLIP_DISK_FULL')));
    assert.ok(!isRetried(new TypeError('ours')));
  });

  it('pause between half of a step and all of it', () => {
    const pause = (random: number): number | undefined => retryDelayMs(away, { attempt: 2, leftMs: 90_000, random });
    assert.deepEqual([pause(0), pause(0.5)], [1000, 1500]);
  });
});
