import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { run, type CommandResult } from '../../../shared/kit/exec.ts';

const LAUNCHER = join(import.meta.dirname, '../../../bin/slipway');

describe('bin/slipway in a fresh checkout', () => {
  let root: string;
  before(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'slipway-launcher-')));
    cpSync(LAUNCHER, join(root, 'bin', 'slipway'));
    mkdirSync(join(root, 'path'));
    for (const tool of ['sh', 'dirname', 'readlink']) symlinkSync(join('/usr/bin', tool), join(root, 'path', tool));
  });
  after(() => {
    rmSync(root, { recursive: true });
  });

  /** Runs the launcher on a machine that has only these programs. */
  function call(nodeVersion?: string): Promise<CommandResult> {
    rmSync(join(root, 'path', 'node'), { force: true });
    if (nodeVersion !== undefined) {
      writeFileSync(join(root, 'path', 'node'), `#!/bin/sh\necho ${nodeVersion}\n`);
      chmodSync(join(root, 'path', 'node'), 0o755);
    }
    return run({ file: join(root, 'bin', 'slipway'), args: ['status'], env: { PATH: join(root, 'path') } });
  }

  const next = (): string => ` !     Next: ${root}/script/bootstrap\n`;

  for (const version of [undefined, 'v20.20.2', 'v9.1.0'])
    it(`says how to get Node if PATH has ${version ?? 'none'}`, async () => {
      const { code, stdout, stderr } = await call(version);
      assert.deepEqual(
        [code, stdout, stderr],
        [1, '', ` !     slipway needs Node 24 or newer, and this machine has none.\n${next()}`],
      );
    });

  for (const version of ['v24.0.0', 'v31.2.3', 'v100.0.0'])
    it(`says how to get the packages if Node ${version} is installed and they are missing`, async () => {
      const { code, stdout, stderr } = await call(version);
      assert.deepEqual(
        [code, stdout, stderr],
        [1, '', ` !     The npm packages of slipway are not installed yet.\n${next()}`],
      );
    });

  it('starts the CLI if both are installed', async () => {
    mkdirSync(join(root, 'node_modules', 'commander'), { recursive: true });
    const { code, stdout } = await call('v24.0.0');
    assert.deepEqual([code, stdout], [0, 'v24.0.0\n']); // the fake Node prints its version for all arguments
  });
});
