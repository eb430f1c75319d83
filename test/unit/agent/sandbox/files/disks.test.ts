import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Disks } from '../../../../../agent/sandbox/files/disks.ts';
import type { Command, CommandResult } from '../../../../../shared/kit/exec.ts';
import { silentLogger } from '../../../../../shared/kit/log.ts';

const APP = { diskBytes: 1_000, diskInodes: 10 };
const BUILD = { diskBytes: 2_000, diskInodes: 20 };
const DONE: CommandResult = { code: 0, signal: null, stdout: '', stderr: '' };

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const nameOf = ({ diskBytes, diskInodes }: typeof APP): string => `${String(diskBytes)}-${String(diskInodes)}`;

/** The programs that make a disk. The script fails without its template, as `cp` does. */
async function program({ file, args }: Command): Promise<CommandResult> {
  if (file === 'truncate') await writeFile(args.at(-1) ?? '', '');
  if (file !== '/bin/sh') return DONE;
  const [, template = '', dir = ''] = args;
  await turn();
  await stat(template);
  await mkdir(dir);
  return DONE;
}

describe('the disks of sandboxes', () => {
  let base: string;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'slipway-disks-'));
  });
  after(async () => {
    await rm(base, { recursive: true });
  });

  it('are made while the template of their size, left by an earlier agent, is being removed', async () => {
    for (let turns = 0; turns < 30; turns += 1) {
      const where = { base: join(base, String(turns)), scriptsDir: '/scripts', poolSize: 1 };
      const disks = new Disks(where, { run: program, log: silentLogger, randomId: () => 'a' });
      await mkdir(join(where.base, 'templates'), { recursive: true });
      await writeFile(join(where.base, 'templates', `${nameOf(BUILD)}.ext4`), '');
      const refilled = disks.refill(APP);
      while (!existsSync(join(where.base, 'pool', `${nameOf(APP)}-a`))) await turn();
      for (let count = 0; count < turns; count += 1) await turn();
      await disks.take(BUILD, join(where.base, 'build'));
      await refilled;
      assert.ok((await stat(join(where.base, 'build'))).isDirectory());
    }
  });
});
