import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explainStep } from '../../../../agent/reconcile/explain-step.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';

const space = (freeBytes: number) => () =>
  Promise.resolve({ freeBytes, totalBytes: 100 * 1024 ** 3, freeInodes: 1e6, totalInodes: 2e6 });

describe('the message for a failed step', () => {
  it('is about the full disk when the disk is full', async () => {
    const reason = await explainStep(new Error('cp: exit 1'), '/state', space(0));
    assert.equal(reason.code, 'SLIP_DISK_FULL');
    assert.match(reason.hint ?? '', /slipway nodes/);
  });

  it('is the message of the error otherwise, but never that of a bug', async () => {
    const known = new SlipwayError({ code: 'SLIP_IMAGE_MOUNT', message: 'It could not be mounted.', hint: 'Look.' });
    assert.deepEqual(await explainStep(known, '/state', space(1e12)), {
      code: 'SLIP_IMAGE_MOUNT',
      message: 'It could not be mounted.',
      hint: 'Look.',
    });
    assert.doesNotMatch((await explainStep(new Error('x of undefined'), '/state', space(1e12))).message, /undefined/);
  });
});
