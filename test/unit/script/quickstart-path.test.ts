import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { DEFAULT_ENV, run } from '../../../shared/kit/exec.ts';

const SCRIPT = join(import.meta.dirname, '../../../script/quickstart');

/** Runs the script in a checkout at this path, up to the first program that it starts. */
async function start(folder: string): Promise<{ code: number | null; output: string }> {
  await mkdir(join(folder, 'script'), { recursive: true });
  await cp(SCRIPT, join(folder, 'script/quickstart'));
  await writeFile(join(folder, 'script/bootstrap'), '#!/bin/sh\necho reached\nexit 1\n', { mode: 0o755 });
  const { code, stdout, stderr } = await run({
    file: '/bin/sh',
    args: [join(folder, 'script/quickstart')],
    env: DEFAULT_ENV,
  });
  return { code, output: stdout + stderr };
}

describe('quickstart in a checkout whose path the proxy cannot use', () => {
  it('fails before it starts anything', async () => {
    const root = await realpath(await mkdtemp(join(tmpdir(), 'q-')));
    try {
      for (const name of ['with space', 'x'.repeat(78)]) {
        const { code, output } = await start(join(root, name));
        assert.equal(code, 1);
        assert.match(
          output,
          /^\n1\/6 Bootstrap\n\nquickstart: The path of this checkout cannot be used: .*\n {2}It may have at most 59 letters/,
        );
      }
      assert.match((await start(join(root, 'x'.repeat(59 - root.length - 1)))).output, /reached/);
      assert.doesNotMatch((await start(join(root, 'x'.repeat(60 - root.length - 1)))).output, /reached/);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});
