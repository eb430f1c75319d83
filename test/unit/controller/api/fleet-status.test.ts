import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStatus } from '../../../../controller/api/fleet-status.ts';
import type { LookDeps } from '../../../../controller/api/deps.ts';
import { DEFAULT_QUOTAS } from '../../../../shared/domain/quota.ts';
import { openStore } from '../../../../controller/store/open-store.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { randomId } from '../../../../shared/kit/random-id.ts';
import { addApp, addUser, newRelease, noChange, TEST_KEYRING } from '../../../support/store-fixtures.ts';

test('the status of very many apps has a limited size, counts the hidden apps, and does not block other requests', async () => {
  const store = await openStore({
    path: ':memory:',
    clock: systemClock,
    randomId,
    keyring: TEST_KEYRING,
    quotas: { ...DEFAULT_QUOTAS, apps: 1_000 },
  });
  const [root, ada] = [await addUser(store, 'root', true), await addUser(store, 'ada')];
  const names = Array.from({ length: 520 }, (_, index) => `app-${String(1000 + index)}`);
  for (const name of names) {
    const app = await addApp(store, ada.id, name);
    await store.createRelease(newRelease(app));
    await store.beginRollout(app.id, 1, noChange);
    await store.completeRollout(app.id, 1, noChange);
  }
  const looks = { nodes: () => [], node: () => undefined, status: () => undefined, leftOutOfRoutes: () => undefined };
  const attachments = { list: () => [] };
  const rest = { attachments, movement: { heldNodes: () => [] }, formations: { busy: () => false }, builderPool: {} };
  let slices = 0;
  const counting = {
    ...store,
    appOverviews: (...page: Parameters<typeof store.appOverviews>) => {
      slices += 1;
      return store.appOverviews(...page);
    },
  };
  const deps = { store: counting, fleet: looks, clock: systemClock, ...rest } as unknown as LookDeps;
  let turns = 0;
  let isOver = false;
  const takeTurn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(takeTurn);
  };
  setImmediate(takeTurn);
  const config = { version: '1', webUrl: (app: string) => `http://${app}` };
  const status = await readStatus(config, deps, { user: root, startedAtMs: 0 });
  isOver = true;
  await store.close();
  assert.deepEqual(
    status.apps.map(({ name }) => name),
    names.slice(0, 200),
  );
  assert.equal(status.moreApps, 320);
  // Each app wants one web process, and no node is there.
  assert.deepEqual([status.problems.length, status.moreProblems], [201, 320]);
  assert.equal(status.problems[1]?.message, 'app-1000: 0 of 1 up: web.1 not placed.');
  assert.ok(slices > 5, 'it is read in slices');
  assert.ok(turns > 5, 'other work has its turn between two slices');
});
