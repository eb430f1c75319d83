import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Formations } from '../../../../controller/formation/formations.ts';
import { Restarts, type RestartDeps } from '../../../../controller/formation/restarts.ts';
import { newInstanceId } from '../../../../controller/assignments/instance-id.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { toSlipwayError } from '../../../../shared/kit/errors.ts';
import { noFailpoint } from '../../../../shared/kit/failpoint.ts';
import { KeyedQueue } from '../../../../shared/kit/keyed-queue.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { FakeFleet } from '../../../support/fake-fleet.ts';
import { addApp, addUser, openMemoryStore } from '../../../support/store-fixtures.ts';

describe('a change that waits for a deploy', () => {
  it('changes nothing when its caller has gone before its turn', async () => {
    const store = await openMemoryStore();
    const owner = await addUser(store);
    const app = await addApp(store, owner.id);
    const deps: RestartDeps = {
      ...{ store, fleet: new FakeFleet(), clock: systemClock, log: silentLogger, newInstanceId },
      ...{ policy: { startTimeoutMs: 1_000 }, signal: new AbortController().signal },
    };
    const queue = new KeyedQueue();
    const formations = new Formations({ ...deps, restarts: new Restarts(deps), queue, failpoint: noFailpoint });
    const deploy = Promise.withResolvers<undefined>();
    const deployed = queue.enqueue(app.id, () => deploy.promise);
    const gone = new AbortController();
    const { signal } = gone;
    const unwanted = Promise.allSettled([
      formations.stop(app, owner, { signal }),
      formations.start(app, owner, { signal }),
      formations.scale(app, owner, { quantities: { web: '7' }, signal }),
      formations.restart(app, owner, { signal }),
      formations.setLimits(app, owner, { type: 'web', limits: { memoryBytes: 64 * 1024 ** 2 }, signal }),
    ]);
    const other = formations.stop(app, owner, { type: 'worker', signal: new AbortController().signal });
    gone.abort();
    deploy.resolve(undefined);
    await deployed;
    const codes = (await unwanted).map((each) => each.status === 'rejected' && toSlipwayError(each.reason).code);
    assert.deepEqual(codes, Array<string>(5).fill('SLIP_PS_NOT_WAITED'));
    assert.deepEqual([await store.formation(app.id), await store.processSettings(app.id)], [{}, {}]);
    assert.deepEqual((await other).stopped, ['worker']);
    assert.deepEqual((await store.appById(app.id))?.stopped, ['worker']);
  });
});
