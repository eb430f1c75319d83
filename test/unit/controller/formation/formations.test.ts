import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Formations } from '../../../../controller/formation/formations.ts';
import { Restarts, type RestartDeps } from '../../../../controller/formation/restarts.ts';
import { newInstanceId } from '../../../../controller/assignments/instance-id.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { noFailpoint } from '../../../../shared/kit/failpoint.ts';
import { KeyedQueue } from '../../../../shared/kit/keyed-queue.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { FakeFleet } from '../../../support/fake-fleet.ts';
import { addApp, addUser, openMemoryStore } from '../../../support/store-fixtures.ts';

describe('a stop that waits for a deploy', () => {
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
    const [stopped, other] = [
      formations.stop(app, owner, { signal: gone.signal }),
      formations.stop(app, owner, { type: 'worker', signal: new AbortController().signal }),
    ];
    gone.abort();
    deploy.resolve(undefined);
    await deployed;
    await assert.rejects(stopped, { code: 'SLIP_PS_NOT_WAITED' });
    assert.deepEqual((await other).stopped, ['worker']);
    assert.deepEqual((await store.appById(app.id))?.stopped, ['worker']);
  });
});
