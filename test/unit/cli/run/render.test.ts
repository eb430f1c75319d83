import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderRuns } from '../../../../cli/run/render.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';
import type { RunBody } from '../../../../shared/api/runs.ts';

const RUN: RunBody = {
  ...{ name: 'run.4', kind: 'run', release: 12, command: 'node job.js', node: 'fra-1', user: 'ada', state: 'running' },
  ...{ memoryBytes: 512 * 1024 * 1024, createdAtMs: 0, startedAtMs: 0, timeoutMs: 1000 },
};
const context = { paint: plainPaint, nowMs: 60_000 };

describe('one-off commands', () => {
  it('are listed with how they ended', () => {
    const failed: RunBody = { ...RUN, state: 'failed', exit: { code: 3, oomKilled: false } };
    const text = renderRuns('shop', [RUN, failed, { ...RUN, state: 'failed' }], context);
    assert.match(text, /running/);
    assert.match(text, /exited with status 3/);
    assert.match(text, /failed/);
    const drained = { ...failed, failure: { code: 'SLIP_COMMAND_DRAINED', message: 'Drained.' } };
    assert.match(renderRuns('shop', [drained], context), /stopped: its node was drained/);
    assert.match(renderRuns('shop', [], context), /slipway run:detached -a shop -- COMMAND/);
  });
});
