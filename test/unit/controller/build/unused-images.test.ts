import assert from 'node:assert/strict';
import { it } from 'node:test';
import { UnusedImages } from '../../../../controller/build/unused-images.ts';
import type { Digest } from '../../../../shared/domain/ids.ts';
import { digestOf } from '../../../support/store-fixtures.ts';

function lab(): { unused: UnusedImages; kept: Set<Digest>; used: Set<Digest> } {
  const kept = new Set([digestOf('a'), digestOf('b'), digestOf('c')]);
  const used = new Set([digestOf('a')]);
  const images = {
    list: () => Promise.resolve([...kept]),
    sizeBytes: () => Promise.resolve(100),
    removeNow: (digests: readonly Digest[]) => digests.forEach((digest) => kept.delete(digest)),
  };
  return {
    unused: new UnusedImages({ images, store: { imagesInUse: () => Promise.resolve(new Set(used)) } }),
    kept,
    used,
  };
}

it('removes the images that no release has', async () => {
  const { unused, kept } = lab();
  await unused.remove();
  assert.deepEqual([...kept], [digestOf('a')]);
});

it('keeps what running work asked for, and removes the rest at once', async () => {
  const { unused, kept, used } = lab();
  const built = Promise.withResolvers<undefined>();
  const deploy = unused.during(async () => {
    unused.note(digestOf('b'));
    await built.promise;
    used.add(digestOf('b'));
  });
  assert.deepEqual(await unused.find(), [{ digest: digestOf('c'), sizeBytes: 100 }]);
  assert.deepEqual(await unused.remove(), [{ digest: digestOf('c'), sizeBytes: 100 }]);
  built.resolve(undefined);
  await deploy;
  await unused.remove();
  assert.deepEqual([...kept], [digestOf('a'), digestOf('b')]);
});

it('removes nothing that work took whose whole time was inside the look at the database', async () => {
  const { unused, kept, used } = lab();
  const removing = unused.remove();
  const deploy = unused.during(() => {
    unused.note(digestOf('c'));
    used.add(digestOf('c'));
    return Promise.resolve();
  });
  await Promise.all([removing, deploy]);
  assert.deepEqual([...kept].sort(), [digestOf('a'), digestOf('c')]);
});

it('removes an image that failed work asked for, when no older work runs', async () => {
  const { unused, kept } = lab();
  await unused.during(() => {
    unused.note(digestOf('b'));
    return Promise.resolve();
  });
  await unused.remove();
  assert.deepEqual([...kept], [digestOf('a')]);
});
