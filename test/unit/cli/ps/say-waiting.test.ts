import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { waitingNote } from '../../../../cli/ps/say-waiting.ts';

describe('a change that waits for a deploy', () => {
  it('names the deploy, and how to end it or the wait', () => {
    assert.equal(
      waitingNote('shop', { version: 12 }),
      ` !     Waiting for the end of the deploy of v12 of shop. See it with: slipway deploy:status -a shop
 !     To end the deploy: slipway deploy:abort -a shop. Ctrl-C ends this wait; then nothing is changed.
`,
    );
    assert.match(waitingNote('shop', {}), /the end of the running deploy of shop\. /);
  });
});
