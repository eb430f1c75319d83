import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { createBench, type Bench } from '../support/build-bench.ts';
import { buildHistory, INDEX_WHEELS, pipHistory } from '../support/pip-histories.ts';
import { startPythonIndex, type PythonIndex } from '../support/python-index.ts';

const RUNS = Number(process.env['SLIPWAY_HISTORIES'] ?? 200);
const SEED = 20;

describe('a second build of an app that uses pip', () => {
  let index: PythonIndex;
  let bench: Bench;
  before(async () => {
    index = await startPythonIndex(INDEX_WHEELS);
    bench = await createBench({ config: { buildEnv: { PIP_INDEX_URL: index.url } } });
  });
  after(async () => {
    await bench.close();
    await index.close();
  });

  it('equals a clean build, file for file, after any history', async () => {
    let count = 0;
    const property = fc.asyncProperty(pipHistory, async (history) => {
      assert.deepEqual(await buildHistory(bench, `hist${String(count++).padStart(4, '0')}`, history), []);
    });
    await fc.assert(property, { numRuns: RUNS, seed: SEED });
  });
});
