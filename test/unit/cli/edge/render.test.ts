import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderEdge } from '../../../../cli/edge/render.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';
import { assertScreen } from '../../../support/cli-screens.ts';

test('the nodes are listed with the reason why one answers no HTTPS, and with problems', () => {
  const nodes = [
    { name: 'fra-1', connected: true },
    { name: 'fra-2', connected: true, whyNot: 'it has no label role, role=edge is required' },
    { name: 'fra-3', connected: false },
  ];
  assertScreen(renderEdge({ require: { role: 'edge' }, nodes, problems: [] }, plainPaint), [
    '=== Edge Nodes',
    'Only nodes with role=edge answer HTTPS and hold the keys of certificates.',
    'fra-1  answers HTTPS',
    'fra-2  does not       it has no label role, role=edge is required',
    'fra-3  answers HTTPS  it is not connected',
  ]);
  const problems = [{ message: 'No node answers HTTPS.', next: 'slipway edge' }];
  assert.match(
    renderEdge({ require: {}, nodes: [], problems }, plainPaint),
    /Every node answers[^]*No node answers HTTPS/,
  );
});
