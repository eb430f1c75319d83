import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DEFAULT_HISTORIES, Simulation } from './world/simulation.ts';

// SEED=17 runs one history alone; SEEDS=5000 runs the first 5000. The nightly ring runs more.

const dir = mkdtempSync(join(tmpdir(), 'slipway-simulation-'));
after(() => {
  rmSync(dir, { recursive: true, force: true });
});

const { SEED: only, SEEDS: asked } = process.env;
const seeds =
  only === undefined ? Array.from({ length: Number(asked ?? DEFAULT_HISTORIES) }, (_, at) => at + 1) : [Number(only)];

test(
  'whatever fails, apps keep serving meanwhile and all is as wanted afterwards',
  { timeout: 3_600_000 },
  async () => {
    for (const seed of seeds) await Simulation.run(seed, join(dir, String(seed)));
  },
);

test(
  'the same while apps are destroyed, renamed, stopped, locked, in maintenance and unwell, and a destroyed app leaves nothing',
  { timeout: 3_600_000 },
  async () => {
    for (const seed of seeds) await Simulation.run(seed, join(dir, `life-${String(seed)}`), { appLife: true });
  },
);

test('a history is the same every time it is run', async () => {
  const [first, second] = [await Simulation.run(7, join(dir, 'first')), await Simulation.run(7, join(dir, 'second'))];
  assert.deepEqual(first.world.trace.lines, second.world.trace.lines);
});
