import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { plainPaint } from '../../../../cli/terminal/paint.ts';
import { renderLimits, renderScale } from '../../../../cli/ps/render-plans.ts';
import { renderPlacement } from '../../../../cli/placement/render.ts';
import type { ProcessPlanBody } from '../../../../shared/api/formation.ts';
import { DEFAULT_LIMITS } from '../../../../shared/domain/assignment.ts';
import { ANYWHERE } from '../../../../shared/domain/placement.ts';

const web: ProcessPlanBody = {
  type: 'web',
  quantity: 3,
  limits: { ...DEFAULT_LIMITS, memoryBytes: 2 * 1024 ** 3, cpuMillis: 500 },
  placement: { require: { region: 'fra' }, spread: 'zone', onFull: 'stop-first' },
};
const clock: ProcessPlanBody = { type: 'clock', quantity: 'all', limits: DEFAULT_LIMITS, placement: ANYWHERE };

describe('placement on the screen', () => {
  it('shows quantities in the form that ps:scale takes', () => {
    assert.equal(renderScale('shop', [web, clock]), 'web=3 clock=all\n');
    assert.match(renderScale('shop', []), /no process types yet\. Deploy it with: git push/);
  });

  it('shows limits in the units they are set in', () => {
    assert.equal(
      renderLimits('shop', [web, clock], plainPaint),
      [
        '=== shop limits, each instance',
        'web    2G memory    0.5 CPU            256 processes  1G disk',
        'clock  512M memory  fair share of CPU  256 processes  1G disk',
        '',
      ].join('\n'),
    );
  });

  it('shows rules in words', () => {
    assert.equal(
      renderPlacement('shop', [web, clock], plainPaint),
      [
        '=== shop placement',
        'web    3                  nodes with region=fra, spread over zone  without room: stops old instances first',
        'clock  one on every node  any node                                 without room: waits',
        '',
      ].join('\n'),
    );
  });
});
