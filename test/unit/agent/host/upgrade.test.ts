import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { reportLastSwitch, upgradeTo } from '../../../../agent/host/upgrade.ts';
import type { Reason } from '../../../../shared/domain/instance.ts';
import type { Command } from '../../../../shared/kit/exec.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';

describe('an agent that is asked to upgrade', () => {
  let stateDir: string;
  before(async () => {
    stateDir = await mkdtemp(join(tmpdir(), 'slipway-upgrade-'));
  });
  after(() => rm(stateDir, { recursive: true }));

  async function upgrade(own: string, output: string, code: number): Promise<{ told: Reason[]; commands: Command[] }> {
    const told: Reason[] = [];
    const commands: Command[] = [];
    await upgradeTo('0.2.0+bbbbbbbbbbbb', {
      stateDir,
      version: Promise.resolve(own),
      installScript: () => Promise.resolve('echo the script\n'),
      report: (reason) => told.push(reason),
      run: async (command) => {
        commands.push(command);
        await writeFile(join(stateDir, 'upgrade.log'), output);
        return { code, signal: null, stdout: '', stderr: '' };
      },
      log: silentLogger,
    });
    return { told, commands };
  }

  it("runs the controller's install.sh in a unit of its own", async () => {
    const { told, commands } = await upgrade('0.1.0+aaaaaaaaaaaa', '', 0);
    assert.deepEqual(told, []);
    assert.equal(commands[0]?.file, 'systemd-run');
    assert.ok(commands[0].args.includes('--unit=slipway-upgrade'));
    assert.equal(await readFile(commands[0].args.at(-1) ?? '', 'utf8'), 'echo the script\n');
  });

  it('does nothing when it has the version already, and refuses when it runs from a checkout', async () => {
    assert.deepEqual(await upgrade('0.2.0+bbbbbbbbbbbb', '', 0), { told: [], commands: [] });
    const { told, commands } = await upgrade('0.1.0', '', 0);
    assert.equal(told[0]?.code, 'SLIP_UPGRADE_NOT_INSTALLED');
    assert.deepEqual(commands, []);
  });

  it('reports the reason that install.sh printed', async () => {
    const output =
      '1/6 This machine\n\ninstall: The disk of /opt is nearly full: 10 MB are free.\n  See what fills it.\n';
    const { told } = await upgrade('0.1.0+aaaaaaaaaaaa', output, 1);
    assert.deepEqual(told, [
      {
        code: 'SLIP_UPGRADE_STOPPED',
        message: 'The disk of /opt is nearly full: 10 MB are free.',
        hint: 'See what fills it.',
      },
    ]);
  });

  it('reports once that the last upgrade was rolled back', async () => {
    await writeFile(join(stateDir, 'switch-result'), 'failed\n0.1.0+aaaaaaaaaaaa\n0.2.0+bbbbbbbbbbbb\n');
    const told: Reason[] = [];
    const report = (reason: Reason): void => void told.push(reason);
    await reportLastSwitch({ stateDir, report });
    await reportLastSwitch({ stateDir, report });
    assert.deepEqual(
      told.map(({ code }) => code),
      ['SLIP_UPGRADE_WENT_BACK'],
    );
  });
});
