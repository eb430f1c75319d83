import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openStore } from '../../controller/store/open-store.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { TEST_KEYRING } from '../support/store-fixtures.ts';

const DAY_MS = 24 * 60 * 60_000;

it('lets events go after 90 days, without being asked', async () => {
  let nowMs = 0;
  const store = await openStore({
    path: ':memory:',
    clock: { ...systemClock, nowMs: () => nowMs },
    randomId,
    keyring: TEST_KEYRING,
  });
  const add = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++)
      await store.addEvent({ kind: 'a.a', actor: 'controller', message: 'One.' });
  };
  await add(150);
  nowMs = 91 * DAY_MS;
  await add(100);
  const kept = await store.events({ limit: 1000 });
  assert.deepEqual([...new Set(kept.map((event) => event.atMs))], [nowMs]);
  assert.equal(kept.length, 100);
  await store.close();
});
