import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { planGarbage, type GarbageRules, type StoredImage } from '../../../../agent/images/garbage-plan.ts';
import type { Digest } from '../../../../shared/domain/ids.ts';

const stored = (letter: string, sizeBytes: number, lastUsedMs: number, derived = false): StoredImage => {
  return {
    path: `/${letter}${derived ? '-1000' : ''}`,
    digest: `sha256:${letter.repeat(64)}` as Digest,
    sizeBytes,
    lastUsedMs,
    derived,
  };
};
const rules = (changes: Partial<GarbageRules> = {}): GarbageRules => {
  return { budgetBytes: 0, nowMs: 1000, graceMs: 10, kept: () => false, ...changes };
};
const paths = (images: readonly StoredImage[]): readonly string[] => images.map((image) => image.path);

describe('the images that are deleted', () => {
  it('are none while everything fits', () => {
    assert.deepEqual(planGarbage([stored('a', 5, 0), stored('b', 5, 0)], rules({ budgetBytes: 10 })), []);
  });

  it('are copies before images, then the least recently used ones, and no more than needed', () => {
    const images = [stored('a', 5, 2), stored('b', 5, 1), stored('c', 5, 3), stored('c', 5, 3, true)];
    assert.deepEqual(paths(planGarbage(images, rules({ budgetBytes: 15 }))), ['/c-1000']);
    assert.deepEqual(paths(planGarbage(images, rules({ budgetBytes: 5 }))), ['/c-1000', '/b', '/a']);
  });

  it('are never kept or just used ones, and the rest fits the budget whenever possible', () => {
    const anyImage = fc
      .tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(100), fc.nat(1000), fc.boolean())
      .map((args) => stored(...args));
    fc.assert(
      fc.property(fc.array(anyImage), fc.nat(300), (images, budgetBytes) => {
        const kept = (digest: Digest): boolean => digest.includes('aaaa');
        const doomed = new Set(planGarbage(images, rules({ budgetBytes, kept })));
        for (const image of doomed) assert.ok(!kept(image.digest) && image.lastUsedMs <= 990);
        const left = images.filter((image) => !doomed.has(image));
        const bytes = left.reduce((sum, image) => sum + image.sizeBytes, 0);
        assert.ok(
          bytes <= budgetBytes ||
            left.every((image) => image.sizeBytes === 0 || kept(image.digest) || image.lastUsedMs > 990),
        );
      }),
    );
  });
});
