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

it('waits for the deploys that are under way: their releases are not written yet', async () => {
  const { unused, kept, used } = lab();
  const built = Promise.withResolvers<undefined>();
  const deploy = unused.during(async () => {
    await built.promise;
    used.add(digestOf('b'));
  });
  await unused.remove();
  assert.equal(kept.size, 3);
  built.resolve(undefined);
  await deploy;
  assert.deepEqual([...kept], [digestOf('a'), digestOf('b')]);
});

it('removes nothing when a deploy began during the check', async () => {
  const { unused, kept, used } = lab();
  const removing = unused.remove();
  const deploy = unused.during(() => {
    used.add(digestOf('c'));
    return Promise.resolve();
  });
  await Promise.all([removing, deploy]);
  assert.deepEqual([...kept].sort(), [digestOf('a'), digestOf('c')]);
});
