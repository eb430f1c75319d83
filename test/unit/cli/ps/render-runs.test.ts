import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderRunning } from '../../../../cli/ps/render-runs.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';
import type { RunBody } from '../../../../shared/api/runs.ts';

const RUN: RunBody = {
  ...{ name: 'run.4', kind: 'run', release: 12, command: 'node job.js', node: 'fra-1', user: 'ada', state: 'running' },
  ...{ memoryBytes: 512 * 1024 * 1024, createdAtMs: 0, startedAtMs: 0, timeoutMs: 1000 },
};
const context = { paint: plainPaint, nowMs: 60_000 };

describe('one-off commands in ps', () => {
  it('that run are listed below the processes of ps', () => {
    const text = renderRunning([RUN, { ...RUN, name: 'run.3', state: 'succeeded' }], context);
    assert.match(text, /^=== run: one-off commands \(1\)\nrun\.4 \(512M\): up .+, on fra-1, v12: node job\.js\n$/);
    assert.equal(renderRunning([], context), '');
  });
});
