import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Script } from './world/script.ts';

// Each script has its expected output. UPDATE=1 writes the outputs again. Read the difference before you commit it.

const folder = join(import.meta.dirname, 'scripts');
const dir = mkdtempSync(join(tmpdir(), 'slipway-scenario-'));
after(() => {
  rmSync(dir, { recursive: true, force: true });
});

for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
  test(file.replace('.txt', '').replaceAll('-', ' '), async () => {
    const output = await Script.run(readFileSync(join(folder, file), 'utf8'), join(dir, file));
    const golden = join(folder, file.replace('.txt', '.out'));
    if (process.env['UPDATE'] === '1') writeFileSync(golden, output);
    assert.equal(output, readFileSync(golden, 'utf8'), 'different from the golden output; if that is meant: UPDATE=1');
  });
}
