import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SharedDownloads } from '../../../../agent/images/shared-downloads.ts';

const never = new AbortController().signal;

describe('a shared download', () => {
  it('runs once for all concurrent callers, and again for the next caller', async () => {
    const downloads = new SharedDownloads();
    let runs = 0;
    const work = (): Promise<void> => Promise.resolve(void (runs += 1));
    await Promise.all([
      downloads.join('a', never, work),
      downloads.join('a', never, work),
      downloads.join('b', never, work),
    ]);
    assert.equal(runs, 2);
    await downloads.join('a', never, work);
    assert.equal(runs, 3);
  });

  it('fails for all callers', async () => {
    const downloads = new SharedDownloads();
    const work = (): Promise<void> => Promise.reject(new Error('no'));
    const both = await Promise.allSettled([downloads.join('a', never, work), downloads.join('a', never, work)]);
    assert.deepEqual(
      both.map((each) => each.status),
      ['rejected', 'rejected'],
    );
  });

  it('is aborted when the last caller aborts, and starts again only after it has ended', async () => {
    const downloads = new SharedDownloads();
    const log: string[] = [];
    const ended = Promise.withResolvers<undefined>();
    const slow = async (signal: AbortSignal): Promise<void> => {
      log.push('first starts');
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await ended.promise;
      log.push('first ends');
    };
    const stop = new AbortController();
    const first = downloads.join('a', stop.signal, slow);
    await Promise.resolve();
    stop.abort(new Error('aborted'));
    await assert.rejects(first, /aborted/);
    const second = downloads.join('a', never, () => Promise.resolve(void log.push('second')));
    ended.resolve(undefined);
    await second;
    assert.deepEqual(log, ['first starts', 'first ends', 'second']);
  });
});
