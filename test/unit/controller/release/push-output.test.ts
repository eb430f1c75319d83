import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderLive, type LiveFacts } from '../../../../controller/release/push-output.ts';

describe('the last lines of a push', () => {
  const facts: LiveFacts = {
    version: 3,
    nodes: 2,
    url: 'http://shop.localhost:8080',
    types: ['web'],
    timingsMs: { live: 1440 },
    app: 'shop',
  };
  const first = (change: Partial<LiveFacts>): string =>
    renderLive({ ...facts, ...change })
      .split('\n')[0]!
      .trim();

  it('say where it is live, how fast and at which address', () => {
    assert.equal(first({}), 'Released v3 · live on 2 nodes in 1.4 s · http://shop.localhost:8080');
    assert.equal(first({ nodes: 1, url: undefined, types: ['worker'] }), 'Released v3 · live on 1 node in 1.4 s');
  });

  it('say that a stopped app stays stopped', () => {
    assert.equal(
      first({ nodes: 0, stopped: 'all' }),
      'Released v3 · no processes are running: shop is stopped. Start with: slipway ps:start -a shop',
    );
    assert.match(first({ stopped: ['worker'] }), /live on 2 nodes/);
  });

  it('say how to start an app without running processes, instead of an address that does not answer', () => {
    const idle = first({ nodes: 0, types: ['worker', 'clock'] });
    assert.equal(
      idle,
      'Released v3 · no processes are running: every type is scaled to 0. Start one with: slipway ps:scale worker=1',
    );
  });
});
