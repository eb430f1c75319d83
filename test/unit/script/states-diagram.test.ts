import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderStates, replaceStates } from '../../../script/states-diagram.ts';

const architecture = readFileSync(join(import.meta.dirname, '../../../ARCHITECTURE.md'), 'utf8');

test('the state diagrams of the architecture are those of the tables', () => {
  assert.equal(architecture, replaceStates(architecture, renderStates()), 'run: node script/states-doc.ts');
});

test('a diagram has every edge of its table, its beginning and its ends', () => {
  const diagrams = renderStates();
  for (const line of ['[*] --> queued', 'deploying --> current', 'superseded --> current', 'stopped --> [*]']) {
    assert.ok(diagrams.includes(`  ${line}\n`), line);
  }
});
