import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DeployAborts, deployAborted } from '../../../../controller/release/deploy-aborts.ts';
import type { AppId } from '../../../../shared/domain/ids.ts';

const [shop, blog] = ['app00001' as AppId, 'app00002' as AppId];

describe('an abort', () => {
  it('ends all work of one app with its reason, and waits for the end', async () => {
    const aborts = new DeployAborts();
    const reason = deployAborted('bob');
    let hasEnded = false;
    const work = (abort: AbortSignal): Promise<unknown> =>
      new Promise((resolve) => abort.addEventListener('abort', () => resolve(abort.reason)));
    const outer = aborts.during(shop, async (abort) => {
      const inner = aborts.during(shop, work);
      const found = [await work(abort), await inner];
      hasEnded = true;
      return found;
    });
    const finish = Promise.withResolvers<undefined>();
    const other = aborts.during(blog, (abort) => finish.promise.then(() => abort.aborted));
    assert.equal(await aborts.abort(shop, reason), true);
    assert.equal(hasEnded, true);
    assert.deepEqual(await outer, [reason, reason]);
    assert.deepEqual([aborts.isRunning(shop), aborts.isRunning(blog)], [false, true]);
    finish.resolve(undefined);
    assert.equal(await other, false);
  });

  it('is refused when nothing runs, and work that fails does not break it', async () => {
    const aborts = new DeployAborts();
    assert.equal(await aborts.abort(shop, deployAborted('bob')), false);
    const failing = aborts.during(
      shop,
      (abort) => new Promise((_, reject) => abort.addEventListener('abort', () => reject(new Error('x')))),
    );
    const seen = failing.catch((error: unknown) => error);
    assert.equal(await aborts.abort(shop, deployAborted('bob')), true);
    assert.ok((await seen) instanceof Error);
  });
});
