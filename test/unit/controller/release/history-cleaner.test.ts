import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it, mock } from 'node:test';
import { BuildLogs } from '../../../../controller/build/build-log.ts';
import { HistoryCleaner, imagesPauseMs } from '../../../../controller/release/history-cleaner.ts';
import { BUILDS_KEPT } from '../../../../shared/domain/history.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { noFailpoint } from '../../../../shared/kit/failpoint.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { addApp, addUser, openMemoryStore } from '../../../support/store-fixtures.ts';

const dir = mkdtempSync(join(tmpdir(), 'slipway-history-'));
after(() => rmSync(dir, { recursive: true }));

it('keeps the output of as many builds as are kept, also after a crash between output and database', async () => {
  const store = await openMemoryStore();
  const app = await addApp(store, (await addUser(store)).id);
  const logs = new BuildLogs(dir);
  for (let made = 0; made < BUILDS_KEPT + 2; made += 1) {
    const { id } = await store.createBuild({ appId: app.id, userId: app.ownerId, commit: 'c'.repeat(40) });
    await store.setBuildState(id, 'failed', {});
    if (made < 3) await (await logs.writer(id)).end();
  }
  let crashes = 1;
  const failpoint = (name: string): Promise<void> =>
    name === 'history.outputRemoved' && crashes-- > 0 ? Promise.reject(new Error('crash')) : Promise.resolve();
  const images = { remove: () => Promise.resolve([]) };
  const { signal } = new AbortController();
  const cleaner = new HistoryCleaner({
    ...{ store, logs, images, clock: systemClock, log: silentLogger, failpoint, signal },
    keepCommits: () => Promise.resolve(),
  });

  await cleaner.clean(app.id);
  assert.deepEqual([readdirSync(dir).length, (await store.builds(app.id, 1000)).length], [1, BUILDS_KEPT + 2]);
  await cleaner.clean(app.id);
  assert.deepEqual([readdirSync(dir).length, (await store.builds(app.id, 1000)).length], [1, BUILDS_KEPT]);
  await store.close();
});

it('removes images after slugs were removed, and once after each start, because a crash may have left some', async () => {
  const store = await openMemoryStore();
  const app = await addApp(store, (await addUser(store)).id);
  const remove = mock.fn(() => Promise.resolve([]));
  const clock = { ...systemClock, nowMs: () => 0, monotonicMs: () => (minutes += 11) * 60_000 };
  let minutes = 0;
  const cleaner = new HistoryCleaner({
    ...{ store, logs: new BuildLogs(dir), images: { remove }, clock, log: silentLogger, failpoint: noFailpoint },
    keepCommits: () => Promise.resolve(),
    signal: new AbortController().signal,
  });

  await cleaner.clean(app.id);
  assert.equal(remove.mock.callCount(), 1, 'the first clean-up of this controller');
  await cleaner.clean(app.id);
  assert.equal(remove.mock.callCount(), 1, 'nothing was removed');
  cleaner.grown(app.id, 2);
  await cleaner.clean(app.id);
  assert.equal(remove.mock.callCount(), 2, 'the caller removed slugs');
  await store.close();
});

it('waits a minute before it removes images again, and longer when the removal took long', () => {
  assert.deepEqual([5, 2_000, 60_000].map(imagesPauseMs), [60_000, 200_000, 600_000]);
});
