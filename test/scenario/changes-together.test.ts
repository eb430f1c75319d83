import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { revealAll } from '../../shared/kit/sensitive.ts';
import { Random } from '../support/random.ts';
import { World } from './world/world.ts';

const dir = mkdtempSync(join(tmpdir(), 'slipway-together-'));
after(() => rmSync(dir, { recursive: true, force: true }));

const PATIENCE_MS = 3_600_000;

test('20 pushes, scales, config changes and rollbacks at once run one after the other, and the last acknowledged wins', async () => {
  const world = await World.open({
    ...{ dir, random: new Random(7), latencyMs: () => 2, storeMs: () => 1, effectMs: () => 5 },
  });
  const wait = async (work: Promise<unknown>): Promise<void> => {
    let done = false;
    void work.finally(() => (done = true));
    await world.clock.until(() => done, PATIENCE_MS);
    await work;
  };
  await wait(world.controller.start());
  (await world.addMachine('here')).startAgent();
  await world.clock.advance(1000);
  await wait(world.push('shop', { web: 'serve' }));
  const app = await world.app('shop');
  /** In the order of their answers. */
  const [released, scaled]: [number[], string[]] = [[], []];
  const refused: unknown[] = [];
  const { controller } = world;
  const changes = Array.from({ length: 5 }, (_, at) => [
    () => world.push('shop', { web: 'serve' }),
    () =>
      controller
        .formations()
        .scale(app, { name: 'ada' }, { web: String(at + 1) })
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
