import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderLive, renderSwitch, type LiveFacts } from '../../../../controller/release/push-output.ts';
import type { SwitchReport } from '../../../../shared/domain/switch-figures.ts';

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

describe('the figures of a switch in a push', () => {
  const report: SwitchReport = {
    ...{ state: 'final', requests: 12_431, failed: 0, codes: {}, openRequests: 0 },
    ...{ longestDrainMs: 3_200, lostLines: 0, uncounted: [], uncountedNodes: 0 },
  };
  const release = { version: 3, app: 'shop' };

  it('are one line, and nothing when nobody counted', () => {
    assert.equal(renderSwitch(undefined, release), '');
    const line = '       0 of 12431 requests failed in the switch, longest drain 3.2 s\n';
    assert.equal(renderSwitch(report, release), line);
  });

  it('say where the final figures will be, and what is missing', () => {
    const missing = [{ node: 'ash', why: 'away' as const }];
    const open: SwitchReport = { ...report, state: 'counting', openRequests: 2, uncounted: missing, uncountedNodes: 1 };
    assert.equal(
      renderSwitch(open, release),
      '       0 of 12431 counted requests failed in the switch so far, longest drain 3.2 s, 2 requests to old instances are still open\n' +
        '       The final figures: slipway releases:info v3 -a shop\n' +
        ' !     Not all requests were counted: ash was not connected.\n',
    );
  });
});
