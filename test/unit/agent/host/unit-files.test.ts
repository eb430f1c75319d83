import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { UnitFiles } from '../../../../agent/host/unit-files.ts';
import type { Run } from '../../../../shared/kit/exec.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';

describe('unit files that somebody deletes', () => {
  let dir: string;
  let asked: string[];
  let active: string[];
  const shipped = (name: string): string => join(dir, 'shipped', name);
  const installed = (name: string): string => join(dir, 'units', name);
  const transient = (name: string): string => join(dir, 'transient', name);

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'slipway-units-'));
    for (const name of ['shipped', 'units', 'transient']) mkdirSync(join(dir, name));
    asked = [];
    active = [];
    for (const name of ['slipway-agent.service', 'slipway.slice']) {
      writeFileSync(shipped(name), `of ${name}`);
      writeFileSync(installed(name), `of ${name}`);
    }
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  function unitFiles(isInstalled = true): UnitFiles {
    const run: Run = async ({ args }) => {
      asked.push(args.filter((word) => !word.startsWith('-')).join(' '));
      const stdout = active.includes(args.at(-1) ?? '') ? 'active\n' : 'inactive\n';
      return { code: 0, signal: null, stdout, stderr: '' };
    };
    const [unitsDir, transientDir] = [join(dir, 'units'), join(dir, 'transient')];
    const places = {
      shippedDir: isInstalled ? join(dir, 'shipped') : undefined,
      unitsDir,
      transientDir,
      prefixes: ['one-sandbox-'],
    };
    return new UnitFiles(places, { run, log: silentLogger });
  }

  it('are not written while all exist', async () => {
    const units = unitFiles();
    await units.ensure();
    await units.ensure();
    assert.deepEqual(asked, []);
  });

  it('are written again and start at the next boot', async () => {
    rmSync(installed('slipway-agent.service'));
    await unitFiles().ensure();
    assert.equal(readFileSync(installed('slipway-agent.service'), 'utf8'), 'of slipway-agent.service');
    assert.deepEqual(asked, ['daemon-reload', 'enable slipway-agent.service']);
  });

  it('are unchanged when somebody edited or masked them, and are not written when none was installed', async () => {
    rmSync(installed('slipway-agent.service'));
    symlinkSync('/dev/null', installed('slipway-agent.service'));
    writeFileSync(installed('slipway.slice'), 'of the operator');
    await unitFiles().ensure();
    rmSync(installed('slipway.slice'));
    await unitFiles(false).ensure();
    assert.deepEqual([readdirSync(join(dir, 'units')), asked], [['slipway-agent.service'], []]);
  });

  it('of a running app come back as systemd wrote them, and go with one that ended', async () => {
    const units = unitFiles();
    for (const name of ['one-sandbox-runs.service', 'one-sandbox-ended.service', 'two-sandbox-other.service']) {
      writeFileSync(transient(name), `of ${name}`);
    }
    await units.ensure();
    active = ['one-sandbox-runs.service'];
    for (const name of readdirSync(join(dir, 'transient'))) rmSync(transient(name));
    await units.ensure();
    assert.deepEqual(readdirSync(join(dir, 'transient')), ['one-sandbox-runs.service']);
    assert.equal(readFileSync(transient('one-sandbox-runs.service'), 'utf8'), 'of one-sandbox-runs.service');
    assert.deepEqual(asked.toSorted(), [
      'daemon-reload',
      'show one-sandbox-ended.service',
      'show one-sandbox-runs.service',
    ]);
    await units.ensure();
    assert.equal(asked.length, 3);
  });
});
