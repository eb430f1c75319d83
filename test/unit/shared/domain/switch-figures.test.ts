import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AppId } from '../../../../shared/domain/ids.ts';
import {
  saySwitch,
  sayUncounted,
  sumFigures,
  switchReport,
  UNCOUNTED_NAMED_MAX,
  type NodeFigures,
  type SwitchReport,
  type Uncounted,
} from '../../../../shared/domain/switch-figures.ts';

const figures = (own: Partial<NodeFigures>): NodeFigures => ({
  ...{ appId: 'app' as AppId, release: 2, read: 1, requests: 0, codes: {}, openRequests: 0 },
  ...{ longestDrainMs: 0, lostLines: 0 },
  ...own,
});

const summed = (nodes: readonly Partial<NodeFigures>[], uncounted: readonly Uncounted[] = []): SwitchReport =>
  sumFigures(nodes.map(figures), { isFinal: true, uncounted });

describe('the figures of a switch', () => {
  it('are the sum over the nodes, with the longest drain of all', () => {
    const report = summed([
      { requests: 12_000, longestDrainMs: 3_200, codes: { H13: 2 } },
      { requests: 431, longestDrainMs: 10, codes: { H13: 1, H18: 1 } },
    ]);
    assert.deepEqual(switchReport.parse(report), report);
    assert.equal(saySwitch(report), '4 of 12431 requests failed in the switch (1 H18, 3 H13), longest drain 3.2 s');
    assert.equal(sayUncounted(report), undefined);
  });

  it('are a valid report whatever the nodes say', () => {
    const most = Number.MAX_SAFE_INTEGER;
    const lies = { requests: most, codes: { H13: most }, openRequests: most, lostLines: most };
    const report = summed([lies, lies, { codes: { H18: most } }]);
    assert.deepEqual(switchReport.parse(report), report);
    assert.deepEqual([report.requests, report.failed, report.codes], [most, most, { H13: most, H18: most }]);
  });

  it('have no failed request when none failed, and when there was none', () => {
    const quiet = summed([{ requests: 12_431, longestDrainMs: 3_240 }]);
    assert.equal(saySwitch(quiet), '0 of 12431 requests failed in the switch, longest drain 3.2 s');
    assert.equal(saySwitch(summed([{ requests: 1 }])), '0 of 1 request failed in the switch, longest drain 0.0 s');
  });

  it('say that no request came', () => {
    assert.equal(saySwitch(summed([{}])), 'No requests came in the switch.');
    assert.equal(saySwitch(summed([{ lostLines: 1 }])), 'No requests were counted in the switch.');
    const open = sumFigures([figures({ openRequests: 1 })], { isFinal: false, uncounted: [] });
    const said = 'No requests were counted in the switch so far, 1 request to an old instance is still open';
    assert.equal(saySwitch(open), said);
    assert.match(saySwitch(summed([{ codes: { H13: 1 } }])), /^1 of 0 requests failed /, 'a node counts wrong');
  });

  it('do not count what a client ended, or what the owner wanted', () => {
    const report = summed([{ requests: 9, codes: { H26: 1, H27: 2, H28: 3, H80: 1, H12: 1 } }]);
    assert.deepEqual([report.failed, report.codes['H27']], [1, 2]);
    assert.match(saySwitch(report), /^1 of 9 requests failed in the switch \(1 H12\)/);
  });

  it('say that old instances still have open requests', () => {
    const open = sumFigures([figures({ requests: 5, openRequests: 2 })], { isFinal: false, uncounted: [] });
    const said = '0 of 5 requests failed in the switch so far, longest drain 0.0 s';
    assert.equal(saySwitch(open), `${said}, 2 requests to old instances are still open`);
    assert.equal(saySwitch({ ...open, openRequests: 1 }), `${said}, 1 request to an old instance is still open`);
  });

  it('say that requests that are open at the end are no longer counted', () => {
    const said = '0 of 5 requests failed in the switch, longest drain 0.0 s';
    const final = summed([{ requests: 5, openRequests: 2 }]);
    assert.equal(saySwitch(final), `${said}, 2 requests to old instances were still open and are no longer counted`);
    const one = saySwitch({ ...final, openRequests: 1 });
    assert.equal(one, `${said}, 1 request to an old instance was still open and is no longer counted`);
  });

  it('never look complete when a node or a line is missing', () => {
    const missing = summed(
      [{ requests: 5, lostLines: 3 }],
      [
        { node: 'ash', why: 'away' },
        { node: 'oak', why: 'old-agent' },
      ],
    );
    assert.match(saySwitch(missing), /^0 of 5 counted requests failed/);
    assert.equal(
      sayUncounted(missing),
      'Not all requests were counted: ash was not connected; the agent of oak is too old (slipway nodes:upgrade oak); the proxies lost 3 lines of their logs.',
    );
  });

  it('name a few of many nodes, and read a cause that a newer controller added', () => {
    const many = Array.from({ length: 30 }, (_, index) => ({ node: `n${String(index)}`, why: 'silent' as const }));
    const report = summed([], many);
    assert.deepEqual([report.uncounted.length, report.uncountedNodes], [UNCOUNTED_NAMED_MAX, 30]);
    assert.match(
      sayUncounted(report) ?? '',
      /n9 did not answer in time; the figures of 20 more nodes are not complete\.$/,
    );
    const newer = { ...report, uncounted: [{ node: 'ash', why: 'unknown' }], uncountedNodes: 1 };
    assert.match(sayUncounted(newer) ?? '', /: the figures of ash are not complete\.$/);
  });
});
