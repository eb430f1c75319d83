import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { openReleaseLab, type ReleaseLab } from '../../../support/release-lab.ts';
import { newRelease, noChange, slugOf } from '../../../support/store-fixtures.ts';
import { revealAll } from '../../../../shared/kit/sensitive.ts';

/** A push: the builder asks for each layer, and uploads those that the controller does not have. */
async function push(
  { app, queue, releases, images, unusedImages, store }: ReleaseLab,
  ...letters: string[]
): Promise<void> {
  await unusedImages.during(async () => {
    const slug = slugOf(...letters);
    for (const { digest } of slug.layers) {
      unusedImages.note(digest);
      await Promise.resolve();
      images.add(digest);
    }
    await queue.enqueue(app.id, async () => {
      await releases.create(app, newRelease(app, { slug, config: await store.config(app.id) }));
    });
  });
}

it('makes a new release of the former slug and config, and the app has the former config vars', async () => {
  const lab = await openReleaseLab();
  const { store, app, releases, rollbacks } = lab;
  await store.setConfig(app.id, { COLOUR: 'red', OLD: '1' });
  await push(lab, 'a');
  await releases.setConfig(app, app.ownerId, { changes: { COLOUR: 'blue', OLD: undefined, NEW: '2' } });
  await push(lab, 'b');
  assert.deepEqual(await rollbacks.rollBack(app, app.ownerId, 1), {
    ...{ version: 4, to: 1, commit: 'c'.repeat(40), changed: ['COLOUR', 'NEW', 'OLD'], changedChecks: [] },
  });
  const current = await store.currentRelease(app.id);
  assert.deepEqual(
    [current?.version, current?.cause, current?.sourceVersion, current?.description, current?.slug],
    [4, 'rollback', 1, 'Rollback to v1', slugOf('a')],
  );
  assert.deepEqual(revealAll(await store.config(app.id)), { COLOUR: 'red', OLD: '1' });
  assert.equal((await rollbacks.rollBack(app, app.ownerId, undefined)).to, 3);
});

it('has the health checks of the former release, and so has the app; a rollback that fails changes none', async () => {
  let isBroken = false;
  const lab = await openReleaseLab({
    run: () => Promise.resolve(isBroken ? { code: 'SLIP_RELEASE_PHASE', message: 'It failed.' } : undefined),
  });
  const { store, app, rollbacks } = lab;
  const check = { type: 'readiness', initialDelayMs: 0, timeoutMs: 1, attempts: 1, waitMs: 1, probe: 'tcp' } as const;
  const [first, second] = [{ web: [check] }, { web: [{ ...check, attempts: 2 }], worker: [check] }];
  await store.changeHealthChecks(app.id, () => first);
  await push(lab, 'a');
  await store.changeHealthChecks(app.id, () => second);
  await push(lab, 'b');
  isBroken = true;
  await assert.rejects(rollbacks.rollBack(app, app.ownerId, 1), { code: 'SLIP_RELEASE_PHASE' });
  assert.deepEqual(await store.healthChecks(app.id), second);
  isBroken = false;
  assert.deepEqual((await rollbacks.rollBack(app, app.ownerId, 1)).changedChecks, ['web', 'worker']);
  assert.deepEqual((await store.currentRelease(app.id))?.checks, first);
  assert.deepEqual(await store.healthChecks(app.id), first);
});

it('changes no config var when the release of the rollback fails', async () => {
  const lab = await openReleaseLab({
    run: (_app, { cause }) =>
      Promise.resolve(cause === 'rollback' ? { code: 'SLIP_RELEASE_PHASE', message: 'It failed.' } : undefined),
  });
  const { store, app, releases, rollbacks } = lab;
  await push(lab, 'a');
  await releases.setConfig(app, app.ownerId, { changes: { COLOUR: 'blue' } });
  await assert.rejects(rollbacks.rollBack(app, app.ownerId, 1), {
    code: 'SLIP_RELEASE_PHASE',
    message: /^v3 failed: It failed\./,
    hint: /The config vars and health checks did not change/,
  });
  assert.deepEqual(revealAll(await store.config(app.id)), { COLOUR: 'blue' });
  assert.equal((await store.currentRelease(app.id))?.version, 2);
});

it('gives the app the config of the release that takes over again when a rollback fails in its bake', async () => {
  const lab = await openReleaseLab();
  const { store, app, releases, rollbacks } = lab;
  await push(lab, 'a');
  await releases.setConfig(app, app.ownerId, { changes: { COLOUR: 'blue' } });
  const { version } = await rollbacks.rollBack(app, app.ownerId, 1);
  assert.deepEqual(revealAll(await store.config(app.id)), {});
  await store.failRelease(app.id, version, { code: 'SLIP_X', message: 'crashed' }, noChange, 2);
  assert.deepEqual(revealAll(await store.config(app.id)), { COLOUR: 'blue' });
});

it('refuses a release whose images were removed or lost, and names those that can be restored', async () => {
  const lab = await openReleaseLab();
  const { store, app, rollbacks, images } = lab;
  for (const letter of ['a', 'b', 'c', 'd']) await push(lab, letter);
  await store.setSlugsKept(app.id, 2);
  assert.equal(await store.removeSlugs(app.id), 1);
  await assert.rejects(rollbacks.rollBack(app, app.ownerId, 1), { code: 'SLIP_ROLLBACK_PRUNED', hint: /v3, v2\./ });
  images.delete(slugOf('c').layers[0]!.digest);
  await assert.rejects(rollbacks.rollBack(app, app.ownerId, 3), {
    code: 'SLIP_ROLLBACK_PRUNED',
    hint: /restored: v2\./,
  });
  assert.equal((await rollbacks.rollBack(app, app.ownerId, 2)).to, 2);
});

it('keeps the images of a rollback when a clean-up runs between its look at the disk and its release', async () => {
  let cleanUp: (() => Promise<void>) | undefined;
  const lab = await openReleaseLab(undefined, async () => {
    const now = cleanUp;
    cleanUp = undefined;
    await now?.();
  });
  const { store, app, rollbacks, images, unusedImages } = lab;
  for (const letter of ['a', 'b', 'c']) await push(lab, letter);
  await store.setSlugsKept(app.id, 1);
  cleanUp = async () => {
    assert.equal(await store.removeSlugs(app.id), 1);
    assert.deepEqual(await unusedImages.remove(), []);
  };
  assert.equal((await rollbacks.rollBack(app, app.ownerId, 1)).to, 1);
  await unusedImages.remove();
  assert.deepEqual(
    [...images].sort(),
    [slugOf('a'), slugOf('b'), slugOf('c')].map(({ layers }) => layers[0]!.digest),
  );
});

it('never removes an image that a kept release needs, whatever runs at the same time', async () => {
  const anyAct = fc.oneof(
    fc.record({ kind: fc.constant('push' as const), letter: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f') }),
    fc.record({ kind: fc.constant('rollback' as const), version: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ kind: fc.constantFrom('prune' as const, 'remove' as const, 'config' as const, 'pin' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(anyAct, { minLength: 5, maxLength: 25 }), async (scheduler, acts) => {
      const pause = (): Promise<void> => scheduler.schedule(Promise.resolve());
      const lab = await openReleaseLab(undefined, pause);
      const { store, app, releases, rollbacks, unusedImages, images } = lab;
      await store.setSlugsKept(app.id, 1);
      const act = async (each: (typeof acts)[number]): Promise<unknown> => {
        if (each.kind === 'push') return push(lab, '0', each.letter);
        if (each.kind === 'rollback') return rollbacks.rollBack(app, app.ownerId, each.version);
        if (each.kind === 'prune') return store.removeSlugs(app.id);
        if (each.kind === 'config')
          return releases.setConfig(app, app.ownerId, { changes: { AT: String(images.size) } });
        return each.kind === 'pin' ? store.pinRelease(app.id, 2, true) : unusedImages.remove();
      };
      const unexpected: unknown[] = [];
      const run = async (each: (typeof acts)[number]): Promise<void> => {
        await pause();
        await act(each).catch((error: unknown) => {
          if (!/v\d+|earlier release/.test(String(error))) unexpected.push(error);
        });
      };
      await scheduler.waitFor(Promise.all(acts.map((each) => run(each))));
      assert.deepEqual(unexpected, []);
      await scheduler.waitFor(unusedImages.remove());
      const needed = await store.imagesInUse();
      assert.deepEqual(
        [...needed].filter((digest) => !images.has(digest)),
        [],
      );
      const current = await store.currentRelease(app.id);
      for (const { digest } of current?.slug.layers ?? [])
        assert.ok(images.has(digest), 'the current release has its images');
      assert.equal(images.size, needed.size, 'nothing else stays');
      await store.close();
    }),
    { seed: 9, numRuns: 25 },
  );
});
