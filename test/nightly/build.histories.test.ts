import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MANAGERS, openHistories, sizeOf, type Histories } from '../support/histories/open-histories.ts';

const HISTORIES = Number(process.env['SLIPWAY_HISTORIES'] ?? 200);
/** A test has a time limit. */
const PER_TEST = 10;

for (const manager of MANAGERS) {
  describe(`a second build of an app that uses ${manager}`, () => {
    let histories: Histories;
    let reusedInAll = 0;
    before(async () => (histories = await openHistories(manager)));
    after(async () => {
      await histories.close();
      // Without reuse the comparison shows nothing. A small group may have none.
      assert.ok(reusedInAll > 0, 'no build reused an install');
    });

    for (let first = 0; first < HISTORIES; first += PER_TEST) {
      it(`equals a clean build, file for file, after histories ${first} to ${first + PER_TEST - 1}`, async (context) => {
        const { seconds, reused, failed } = await histories.check({ ...sizeOf(PER_TEST), first });
        context.diagnostic(`${seconds} builds with a history: ${reused} reused an install, ${failed} failed`);
        reusedInAll += reused;
      });
    }
  });
}
