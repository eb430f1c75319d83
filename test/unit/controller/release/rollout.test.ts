import assert from 'node:assert/strict';
import { it } from 'node:test';
import { appDestroyed } from '../../../../controller/release/app-lifetimes.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../../controller/release/rollout-plan.ts';
import { Rollouts } from '../../../../controller/release/rollout.ts';
import type { InstanceId } from '../../../../shared/domain/ids.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { noFailpoint } from '../../../../shared/kit/failpoint.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { randomId } from '../../../../shared/kit/random-id.ts';
import { FakeFleet } from '../../../support/fake-fleet.ts';
import { addApp, addUser, newRelease, openMemoryStore } from '../../../support/store-fixtures.ts';

it('forgets the figures of a deploy whose app is destroyed in its rollout', async () => {
  const store = await openMemoryStore();
  const app = await addApp(store, (await addUser(store)).id);
  const release = await store.createRelease(newRelease(app));
  const forgotten: number[] = [];
  const rollouts = new Rollouts({
    ...{ store, fleet: new FakeFleet(), clock: systemClock, log: silentLogger, failpoint: noFailpoint },
    policy: DEFAULT_ROLLOUT_POLICY,
    moveRef: () => Promise.resolve(),
    newInstanceId: () => randomId() as InstanceId,
    queue: { letPass: () => Promise.resolve() },
    switches: {
      begin: () => Promise.resolve(),
      reportLive: () => assert.fail('there is no outcome'),
      reportFailed: () => assert.fail('there is no outcome'),
      forget: ({ version }) => void forgotten.push(version),
    },
  });
  const signal = AbortSignal.abort(appDestroyed(app.name));
  await assert.rejects(rollouts.rollOut(app, release, { signal }), { code: 'SLIP_APP_DESTROYED' });
  assert.deepEqual(forgotten, [release.version]);
});
