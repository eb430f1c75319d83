import assert from 'node:assert/strict';
import { it } from 'node:test';
import { diffReleases, withoutValues, type ReleaseSide } from '../../../../cli/releases/diff.ts';
import { renderDiff } from '../../../../cli/releases/render-diff.ts';
import type { ReleaseDetails } from '../../../../shared/api/release-history.ts';
import { assertScreen, release } from '../../../support/cli-screens.ts';

function side(change: Partial<ReleaseDetails>, config: Readonly<Record<string, string>>): ReleaseSide {
  const details = { processTypes: { web: 'node .' }, buildpacks: ['Node.js'], stack: 'host', sizeBytes: 1000 };
  const rest = { configNames: Object.keys(config), restorable: true, hasOutput: false };
  return { release: { ...release, ...details, ...rest, ...change }, config };
}

const OLD = side({ version: 3, commit: 'a'.repeat(40) }, { COLOUR: 'red', SAME: '1', GONE: 'x' });
const NEW = side(
  { version: 4, commit: 'b'.repeat(40), processTypes: { web: 'node . --fast', worker: 'node w' }, buildpacks: ['Go'] },
  { COLOUR: 'blue', SAME: '1', ADDED: 'y' },
);

it('shows the commits and the names that differ, and values only when they are asked for', () => {
  const diff = diffReleases(OLD, NEW);
  const shown = { ...diff, config: withoutValues(diff.config) };
  assertScreen(renderDiff('shop', shown, { subjects: ['bbbbbbb Paint it blue'], values: false }), [
    '=== shop v3 → v4',
    'Code',
    '  aaaaaaa → bbbbbbb',
    '    bbbbbbb Paint it blue',
    'Buildpacks',
    '  Node.js → Go',
    'Process types',
    '  ~  web     node . → node . --fast',
    '  +  worker  node w',
    'Config vars',
    '  +  ADDED   added',
    '  ~  COLOUR  changed',
    '  -  GONE    removed',
  ]);
  assert.doesNotMatch(JSON.stringify(shown), /red|blue"/);
  assert.match(renderDiff('shop', diff, { subjects: [], values: true }), /~ {2}COLOUR {2}red → blue/);
});

it('says when two releases have the same code and config', () => {
  assertScreen(renderDiff('shop', diffReleases(OLD, OLD), { subjects: [], values: false }), [
    '=== shop v3 → v3',
    'v3 and v3 have the same code, health checks and config.',
  ]);
});

const CHECK = { initialDelayMs: 0, timeoutMs: 5_000, attempts: 3, waitMs: 5_000, type: 'readiness' } as const;
const UP = { ...CHECK, probe: 'http', path: '/up', asks: 'GET /up' } as const;

it('names the health checks that differ, also when only their times do, and reads releases of older controllers', () => {
  const [a, b] = [
    side({ version: 3, checks: { web: [UP], worker: [{ ...UP, type: 'liveness' }] } }, {}),
    side({ version: 4, checks: { web: [{ ...UP, asks: 'GET /health' }], worker: [{ ...UP, type: 'liveness' }] } }, {}),
  ];
  assertScreen(renderDiff('shop', diffReleases(a, b), { subjects: [], values: false }), [
    '=== shop v3 → v4',
    'Health checks',
    '  ~  web readiness  GET /up → GET /health',
  ]);
  const slower = side({ version: 5, checks: { web: [{ ...UP, timeoutMs: 9_000 }] } }, {});
  const older = side({ version: 3 }, {});
  assert.match(renderDiff('shop', diffReleases(a, slower), { subjects: [], values: false }), /GET \/up, changed\n/);
  assert.deepEqual(diffReleases(older, slower).checks, [{ name: 'web readiness', from: undefined, to: 'GET /up' }]);
});
