import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DEFAULT_HISTORIES, Simulation } from '../scenario/world/simulation.ts';

const HISTORIES = 400;
const LIFE_HISTORIES = 200;

const dir = mkdtempSync(join(tmpdir(), 'slipway-simulation-'));
after(() => {
  rmSync(dir, { recursive: true, force: true });
});

test('the additional histories end in the wanted state too', { timeout: 3_600_000 }, async () => {
  for (let seed = DEFAULT_HISTORIES + 1; seed <= HISTORIES; seed += 1)
    await Simulation.run(seed, join(dir, String(seed)));
});

test('and so do those with the life of apps', { timeout: 3_600_000 }, async () => {
  for (let seed = DEFAULT_HISTORIES + 1; seed <= LIFE_HISTORIES; seed += 1)
    await Simulation.run(seed, join(dir, `life-${String(seed)}`), { appLife: true });
});
