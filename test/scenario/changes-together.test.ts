import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { abortDeploy } from '../../controller/api/operations/deploys.ts';
import type { App } from '../../controller/domain/apps.ts';
import { revealAll } from '../../shared/kit/sensitive.ts';
import { Random } from '../support/random.ts';
import { World } from './world/world.ts';

const dir = mkdtempSync(join(tmpdir(), 'slipway-together-'));
after(() => rmSync(dir, { recursive: true, force: true }));

const PATIENCE_MS = 3_600_000;

type Wait = (work: Promise<unknown>) => Promise<void>;

/** A fleet of one node, on which the app serves. */
async function openShop(folder: string): Promise<{ readonly world: World; readonly app: App; readonly wait: Wait }> {
  const world = await World.open({
    ...{ dir: join(dir, folder), random: new Random(7), latencyMs: () => 2, storeMs: () => 1, effectMs: () => 5 },
  });
  const wait: Wait = async (work) => {
    let done = false;
    void work.finally(() => (done = true));
    await world.clock.until(() => done, PATIENCE_MS);
    await work;
  };
  await wait(world.controller.start());
  (await world.addMachine('here')).startAgent();
  await world.clock.advance(1000);
  await wait(world.push('shop', { web: 'serve' }));
  return { world, wait, app: await world.app('shop') };
}

test('20 pushes, scales, config changes and rollbacks at once run one after the other, and the last acknowledged wins', async () => {
  const { world, app, wait } = await openShop('without-aborts');
  /** In the order of their answers. */
  const [released, scaled]: [number[], string[]] = [[], []];
  const refused: unknown[] = [];
  const { controller } = world;
  const changes = Array.from({ length: 5 }, (_, at) => [
    () => world.push('shop', { web: 'serve' }),
    () =>
      controller
        .formations()
        .scale(app, { name: 'ada' }, { quantities: { web: String(at + 1) } })
        .then(() => scaled.push(String(at + 1))),
    () => controller.setConfig(app, { AT: String(at) }).then(({ version = 0 }) => released.push(version)),
    () => controller.rollBack(app, undefined).then(({ version }) => released.push(version)),
  ]).flat();
  await wait(Promise.all(changes.map((change) => change().catch((error: unknown) => refused.push(error)))));

  const releases = [...(await world.store.releases(app.id, 100))].reverse();
  assert.deepEqual(
    releases.map(({ version }) => version),
    releases.map((_, at) => at + 1),
  );
  const current = await world.store.currentRelease(app.id);
  assert.equal(current?.version, releases.length, 'the last release is current');
  assert.ok(releases.slice(0, -1).every(({ state }) => state === 'superseded'));
  assert.deepEqual(
    released,
    [...released].sort((a, b) => a - b),
    'answers come in the order of the releases',
  );
  assert.deepEqual(revealAll(await world.store.config(app.id)), revealAll(current.config));
  assert.equal((await world.store.formation(app.id))['web'], Number(scaled.at(-1)));
  assert.equal(world.refs.get(app.id), `refs/heads/main ${current.slug.commit}`);
  assert.deepEqual(refused, []);
  await world.clock.advance(60_000);
  assert.deepEqual(world.violations, []);
  await world.store.close();
});

test('20 pushes, scales, config changes, rollbacks and aborts at once: each is done or refused, and the last acknowledged wins', async () => {
  const { world, app, wait } = await openShop('with-aborts');
  const { controller, store } = world;
  const [user] = await store.users();
  /** In the order of their answers. */
  const [released, scaled, aborted]: [number[], string[], unknown[]] = [[], [], []];
  const changes = Array.from({ length: 4 }, (_, at) => [
    () => world.push('shop', { web: 'serve' }),
    () =>
      controller
        .formations()
        .scale(app, { name: 'ada' }, { quantities: { web: String(at + 1) } })
        .then(() => scaled.push(String(at + 1))),
    () => controller.setConfig(app, { AT: String(at) }).then(({ version = 0 }) => released.push(version)),
    () => controller.rollBack(app, undefined).then(({ version }) => released.push(version)),
    async () => {
      await world.clock.sleep(1_500 + at * 4_000); // in the middle of a rollout
      aborted.push(await abortDeploy(controller.deployDeps(), { app, user: user! }));
    },
  ]).flat();
  await wait(Promise.allSettled(changes.map((change) => change())));
  await world.clock.advance(60_000);

  const releases = [...(await store.releases(app.id, 100))].reverse();
  assert.deepEqual(
    releases.map(({ version }) => version),
    releases.map((_, at) => at + 1),
  );
  const done = releases.filter(({ state }) => state === 'superseded' || state === 'current');
  assert.equal(done.at(-1)?.state, 'current', 'the last release that did not fail is current');
  assert.ok(releases.every(({ state, failure }) => state !== 'failed' || failure?.code === 'SLIP_DEPLOY_ABORTED'));
  assert.ok(aborted.length > 0 && done.length < releases.length, 'an abort ended something');
  assert.ok(released.every((version) => done.some((each) => each.version === version)));
  assert.equal((await store.formation(app.id))['web'], Number(scaled.at(-1)));
  assert.equal(world.refs.get(app.id), `refs/heads/main ${done.at(-1)?.slug.commit ?? ''}`);
  assert.equal(world.serving('shop').length, Number(scaled.at(-1)));
  assert.deepEqual(world.violations, []);
  await store.close();
});
