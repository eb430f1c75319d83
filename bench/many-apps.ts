import { monitorEventLoopDelay } from 'node:perf_hooks';
import { readStatus } from '../controller/api/fleet-status.ts';
import type { LookDeps } from '../controller/api/deps.ts';
import type { User } from '../controller/domain/users.ts';
import { openStore } from '../controller/store/open-store.ts';
import { systemClock } from '../shared/kit/clock.ts';
import { randomId } from '../shared/kit/random-id.ts';
import { addApp, addNode, addUser, assignment, newRelease, TEST_KEYRING } from '../test/support/store-fixtures.ts';

// Measures how much CPU the status of a large fleet costs the controller.
//   node bench/many-apps.ts [apps, default 24000] [share of deployed apps, default 0.5]

const [apps = 24_000, deployed = 0.5] = process.argv.slice(2).map(Number);
const noChange = { add: [], setDesired: [], remove: [] };
const store = await openStore({
  path: ':memory:',
  clock: systemClock,
  randomId,
  keyring: TEST_KEYRING,
  quotas: { apps: apps + 1 },
});

async function fill(): Promise<User> {
  const admin = await addUser(store, 'root', true);
  const node = await addNode(store);
  for (let index = 0; index < apps; index += 1) {
    const app = await addApp(store, admin.id, `app-${String(index)}`);
    if (index >= apps * deployed) continue;
    await store.createRelease(newRelease(app));
    await store.beginRollout(app.id, 1, {
      ...noChange,
      add: [assignment({ nodeId: node.id, appId: app.id, release: 1 })],
    });
    await store.completeRollout(app.id, 1, noChange);
  }
  return admin;
}

async function measure(user: User): Promise<void> {
  const none = { nodes: () => [], node: () => undefined, status: () => undefined, statusesOn: () => [] };
  const rest = {
    movement: { heldNodes: () => [] },
    formations: { busy: () => false },
    builderPool: { whyNot: () => undefined },
  };
  const deps = { store, fleet: none, clock: systemClock, ...rest } as unknown as LookDeps;
  const lag = monitorEventLoopDelay({ resolution: 5 });
  const before = process.memoryUsage().rss;
  let highest = before;
  const watch = setInterval(() => (highest = Math.max(highest, process.memoryUsage().rss)), 20);
  lag.enable();
  const startedAtMs = performance.now();
  const status = await readStatus({ version: 'bench', webUrl: (app) => `http://${app}` }, deps, { user, startedAtMs });
  const tookMs = performance.now() - startedAtMs;
  lag.disable();
  clearInterval(watch);
  highest = Math.max(highest, process.memoryUsage().rss);
  const facts = {
    apps,
    tookMs: Math.round(tookMs),
    longestLagMs: Math.round(lag.max / 1e6),
    memoryMb: Math.round((highest - before) / 2 ** 20),
    answerKb: Math.round(JSON.stringify(status).length / 1024),
    shown: status.apps.length,
    more: status.moreApps,
  };
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}

await measure(await fill());
await store.close();
