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
    assert.deepEqual(await aborts.abort(shop, reason), new Set(['deploy']));
    assert.equal(hasEnded, true);
    assert.deepEqual(await outer, [reason, reason]);
    assert.deepEqual([aborts.isRunning(shop), aborts.isRunning(blog)], [false, true]);
    finish.resolve(undefined);
    assert.equal(await other, false);
  });

  it('says what has run, and work that fails does not break it', async () => {
    const aborts = new DeployAborts();
    assert.deepEqual(await aborts.abort(shop, deployAborted('bob')), new Set());
    const failing = aborts.during(
      shop,
      (abort) => new Promise((_, reject) => abort.addEventListener('abort', () => reject(new Error('x')))),
      'scripts',
    );
    const seen = failing.catch((error: unknown) => error);
    assert.deepEqual(await aborts.abort(shop, deployAborted('bob')), new Set(['scripts']));
    assert.ok((await seen) instanceof Error);
  });
});
