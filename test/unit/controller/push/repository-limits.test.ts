import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { packLimit } from '../../../../controller/push/repository-limits.ts';

const anyRepository = fc.record({
  app: fc.constant('shop'),
  owner: fc.constant('ada'),
  usedBytes: fc.nat(4_000_000_000),
  maxPackBytes: fc.integer({ min: 1_000_000, max: 2_000_000_000 }),
  repositoryMegabytes: fc.nat(4_000),
});

it('a push never gets room beyond the quota or the limit of one push, and a push without objects always has its 32 bytes', () => {
  fc.assert(
    fc.property(anyRepository, (repository) => {
      const { maxPackBytes, tooLarge } = packLimit(repository);
      assert.ok(maxPackBytes <= repository.maxPackBytes && maxPackBytes >= 32);
      assert.ok(
        maxPackBytes === 32 || repository.usedBytes + maxPackBytes <= repository.repositoryMegabytes * 1_000_000,
      );
      assert.equal(
        tooLarge === undefined,
        maxPackBytes === repository.maxPackBytes &&
          repository.usedBytes + maxPackBytes <= repository.repositoryMegabytes * 1_000_000,
      );
    }),
    { seed: 14, numRuns: 300 },
  );
});
