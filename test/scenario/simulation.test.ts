import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Simulation } from './world/simulation.ts';

// SEED=17 runs one history alone; SEEDS=5000 runs so many, however long it takes.

const dir = mkdtempSync(join(tmpdir(), 'slipway-simulation-'));
after(() => {
  rmSync(dir, { recursive: true, force: true });
});

const { SEED: only, SEEDS: asked } = process.env;
const seeds = only === undefined ? Array.from({ length: Number(asked ?? 300) }, (_, at) => at + 1) : [Number(only)];
/** A slow machine runs fewer in the default run, never less than a tenth. */
const budgetMs = asked === undefined ? 20_000 : Infinity;

test('whatever fails, apps keep serving meanwhile and all is as wanted afterwards', { timeout: 3_600_000 }, async (t) => {
  const untilMs = performance.now() + budgetMs;
  let ran = 0;
  for (const seed of seeds) {
    if (performance.now() > untilMs && ran >= seeds.length / 10) break;
    await Simulation.run(seed, join(dir, String(seed)));
    ran += 1;
  }
  t.diagnostic(`${String(ran)} histories`);
});

test('a history is the same every time it is run', async () => {
  const [first, second] = [await Simulation.run(7, join(dir, 'first')), await Simulation.run(7, join(dir, 'second'))];
  assert.deepEqual(first.world.trace.lines, second.world.trace.lines);
});
