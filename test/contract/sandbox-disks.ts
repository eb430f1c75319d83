import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { mountsBelow } from '../../agent/sandbox/files/mounts.ts';
import type { Sandbox } from '../../agent/sandbox/port.ts';
import { eventually } from '../support/eventually.ts';
import { MB, openSandboxLab, type SandboxLab } from '../support/sandbox-lab.ts';

/** Mounted disks of a lab: each holds a loop device until it is unmounted. The driver may have bound its folder below /run. */
async function disksOf(lab: SandboxLab): Promise<readonly string[]> {
  const mounts = await Promise.all([lab.dir, `/run/${lab.config.name}-sandbox`].map((folder) => mountsBelow(folder)));
  return mounts.flat().filter((target) => target.endsWith('/disk'));
}

/** What the drivers with bounded disks keep. */
export function sandboxDisksContract(kind: Sandbox['kind']): void {
  describe(`the disks of sandbox ${kind}`, () => {
    let lab: SandboxLab;
    before(async () => {
      lab = await openSandboxLab(kind);
    });
    after(async () => {
      await lab.close();
    });

    it('are given back when their size is no longer asked for', async () => {
      for (let size = 1; size <= 5; size += 1) {
        const spec = lab.spec({ limits: { ...lab.spec().limits, diskBytes: (16 + size) * MB } });
        await lab.sandbox.prepare(spec);
        await lab.sandbox.destroy(spec.id);
      }
      const wanted = [19, 20, 21].map((size) => String(size * MB)).join(' ');
      const sizes = async (): Promise<string> =>
        (await disksOf(lab))
          .map((file) => /pool\/(\d+)-/.exec(file)?.[1] ?? file)
          .sort()
          .join(' ');
      await eventually('the three newest sizes wait ready', async () => (await sizes()) === wanted);
    });

    it('hold nothing after a start that failed', async () => {
      const before = (await disksOf(lab)).length;
      const spec = lab.spec({ env: { A: 'x\0y' }, limits: { ...lab.spec().limits, diskBytes: 21 * MB } });
      await assert.rejects(lab.sandbox.prepare(spec), { code: 'SLIP_SANDBOX_ENV' });
      assert.equal((await disksOf(lab)).filter((file) => file.includes(spec.id)).length, 0);
      await lab.sandbox.prepare(lab.spec({ id: spec.id, limits: spec.limits }));
      await lab.sandbox.destroy(spec.id);
      await eventually('as many as before', async () => (await disksOf(lab)).length === before);
    });
  });
}
