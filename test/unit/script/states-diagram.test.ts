import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { renderStates, replaceStates } from '../../../script/states-diagram.ts';

const architecture = readFileSync(join(import.meta.dirname, '../../../ARCHITECTURE.md'), 'utf8');

test('the state diagrams in ARCHITECTURE.md match the state tables', () => {
  assert.equal(architecture, replaceStates(architecture, renderStates()), 'run: node script/states-doc.ts');
});

test('a diagram has every transition of its table, and its first and last states', () => {
  const diagrams = renderStates();
  for (const line of ['[*] --> queued', 'deploying --> current', 'superseded --> current', 'stopped --> [*]']) {
    assert.ok(diagrams.includes(`  ${line}\n`), line);
  }
});
