import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readBuildReport, readUntrusted, stepTimings } from '../../../../agent/build/results.ts';
import { run } from '../../../../shared/kit/exec.ts';

describe('the files a hostile build leaves', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'slipway-results-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('are read only when they are regular files of the folder, and only up to a limit', async () => {
    await writeFile(join(folder, 'plain'), 'x'.repeat(100));
    await symlink('/etc/passwd', join(folder, 'link'));
    await mkdir(join(folder, 'dir'));
    await run({ file: 'mkfifo', args: [join(folder, 'pipe')] });
    assert.equal((await readUntrusted(folder, 'plain', 10))?.toString(), 'x'.repeat(10));
    for (const name of ['link', 'dir', 'pipe', 'missing'])
      assert.equal(await readUntrusted(folder, name, 10), undefined, name);
  });

  it('always give a report, also when they are malformed', async () => {
    await writeFile(join(folder, 'failure'), 'COMPILE_FAILED\nname\n7\n');
    await writeFile(join(folder, 'steps'), 'garbage\n1.5\tunpack\n1.6\tselect\n2,0\tbin/compile of x\n2.5\tdone\n');
    await writeFile(join(folder, 'layers'), Buffer.from([0xff, 0x00, 0x0a]));
    const report = await readBuildReport(folder);
    assert.deepEqual(report.failure, { kind: 'COMPILE_FAILED', details: ['name', '7', ''] });
    assert.equal(report.isFinished, false);
    assert.deepEqual(report.declared, []);
    assert.deepEqual(stepTimings(report.steps), { unpack: 100, detect: 400, compile: 500 });
  });
});
