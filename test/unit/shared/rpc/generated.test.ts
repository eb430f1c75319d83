import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { DEFAULT_ENV, run, runOk } from '../../../../shared/kit/exec.ts';

const ROOT = join(import.meta.dirname, '../../../..');

async function contents(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const pairs = files.map(async (file) => [file.slice(folder.length), await readFile(file, 'utf8')] as const);
  return Object.fromEntries(await Promise.all(pairs));
}

it('the committed wire types are those of the contract', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-rpc-'));
  try {
    const env = { ...DEFAULT_ENV, PATH: `${dirname(process.execPath)}:${DEFAULT_ENV['PATH'] ?? ''}` };
    await runOk(run, { file: join(ROOT, 'script/generate-rpc'), args: [folder], env, timeoutMs: 240_000 });
    assert.deepEqual(
      await contents(folder),
      await contents(join(ROOT, 'shared/rpc/gen')),
      'run script/generate-rpc and commit the result',
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
