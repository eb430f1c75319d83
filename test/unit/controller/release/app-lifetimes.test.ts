import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppLifetimes, appDestroyed } from '../../../../controller/release/app-lifetimes.ts';
import type { AppId } from '../../../../shared/domain/ids.ts';
import { KeyedQueue } from '../../../../shared/kit/keyed-queue.ts';

const [shop, blog] = ['appshop00', 'appblog00'] as AppId[] as [AppId, AppId];
const OPEN = new AbortController().signal;

describe('the end of an app', () => {
  it('ends the running work of the app, and no work of another app', async () => {
    const lifetimes = new AppLifetimes();
    const [mine, other] = [lifetimes.join(shop, OPEN), lifetimes.join(blog, OPEN)];
    lifetimes.end(shop, appDestroyed('shop'));
    assert.equal((mine.signal.reason as Error).message, 'App shop was destroyed.');
    assert.equal(other.signal.aborted, false);
    let idle = false;
    const waited = lifetimes.idle(shop).then(() => (idle = true));
    await Promise.resolve();
    assert.equal(idle, false);
    mine.leave();
    mine.leave();
    await waited;
    await lifetimes.idle(shop);
  });

  it('lets no work begin afterwards, unless the destruction failed', async () => {
    const lifetimes = new AppLifetimes();
    const queue = new KeyedQueue((appId) => lifetimes.check(appId));
    lifetimes.end(shop, appDestroyed('shop'));
    assert.throws(() => lifetimes.join(shop, OPEN), { code: 'SLIP_APP_DESTROYED' });
    await assert.rejects(
      lifetimes.during(shop, OPEN, () => Promise.resolve(1)),
      { code: 'SLIP_APP_DESTROYED' },
    );
    await assert.rejects(
      queue.enqueue(shop, () => Promise.resolve(1)),
      { code: 'SLIP_APP_DESTROYED' },
    );
    assert.equal(await queue.enqueue(shop, () => Promise.resolve(2), 'end'), 2);
    assert.equal(await queue.enqueue(blog, () => Promise.resolve(3)), 3);
    lifetimes.undo(shop);
    assert.equal(await lifetimes.during(shop, OPEN, () => queue.enqueue(shop, () => Promise.resolve(4))), 4);
  });

  it('ends work that waits for its turn when the turn comes', async () => {
    const lifetimes = new AppLifetimes();
    const queue = new KeyedQueue((appId) => lifetimes.check(appId));
    const first = Promise.withResolvers<string>();
    const begun = Promise.withResolvers<undefined>();
    const running = queue.enqueue(shop, () => {
      begun.resolve(undefined);
      return first.promise;
    });
    await begun.promise;
    const waiting = assert.rejects(
      queue.enqueue(shop, () => Promise.resolve('never')),
      { code: 'SLIP_APP_DESTROYED' },
    );
    const last = queue.enqueue(shop, () => Promise.resolve('destroyed'), 'end');
    lifetimes.end(shop, appDestroyed('shop'));
    first.resolve('done');
    assert.equal(await running, 'done');
    await waiting;
    assert.equal(await last, 'destroyed');
  });
});
