import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cli } from '../../../../cli/cli.ts';
import { sayWaiting, waitingNote } from '../../../../cli/ps/say-waiting.ts';
import type { DeployBody } from '../../../../shared/api/deploys.ts';
import { eventually } from '../../../support/eventually.ts';

describe('a change that waits for a deploy', () => {
  it('names the deploy, and how to end it or the wait', () => {
    assert.equal(
      waitingNote('shop', { version: 12, phase: 'starting' }),
      ` !     Waiting for the end of the deploy of v12 of shop. See it with: slipway deploy:status -a shop
 !     To end the deploy: slipway deploy:abort -a shop. Ctrl-C ends this wait; then nothing is changed.
`,
    );
  });

  it('does not name a build, or the scripts of a live release: a change does not wait for them', () => {
    assert.equal(waitingNote('shop', { phase: 'building' }), '');
    assert.equal(waitingNote('shop', { phase: 'waiting' }), '', 'a deploy without a release waits itself');
    assert.equal(waitingNote('shop', { version: 12, phase: 'live' }), '');
  });

  it('is said once after a while, and not for a change that is quick', async () => {
    const deploy: Pick<DeployBody, 'version' | 'phase'> = { version: 12, phase: 'starting' };
    const notes: string[] = [];
    const cli = {
      api: async () => ({ call: async () => deploy }),
      note: (text: string) => void notes.push(text),
    } as unknown as Cli; // what it uses of the program
    assert.equal(await sayWaiting(cli, 'shop', Promise.resolve('quick')), 'quick');
    const change = Promise.withResolvers<string>();
    const waited = sayWaiting(cli, 'shop', change.promise);
    await eventually('the note', () => notes.length > 0);
    change.resolve('done');
    assert.equal(await waited, 'done');
    assert.deepEqual(notes, [waitingNote('shop', deploy)]);
  });
});
