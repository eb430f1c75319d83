import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { createFailpoint } from '../../../../shared/kit/failpoint.ts';

describe('failpoints', () => {
  const dir = mkdtempSync(join(tmpdir(), 'slipway-failpoint-'));
  after(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  it('fail where the variable says, and nowhere else', async () => {
    const failpoint = createFailpoint({ SLIPWAY_FAILPOINTS: 'a.done=throw,b.done=sleep:1' });
    await assert.rejects(failpoint('a.done'), { message: 'failpoint a.done' });
    await failpoint('b.done');
    await failpoint('c.done');
  });

  it('are read again from the file each time', async () => {
    const file = join(dir, 'points');
    writeFileSync(file, '');
    const failpoint = createFailpoint({ SLIPWAY_FAILPOINTS_FILE: file });
    await failpoint('a.done');
    writeFileSync(file, 'a.done=throw\n');
    await assert.rejects(failpoint('a.done'), { message: 'failpoint a.done' });
    writeFileSync(file, '');
    await failpoint('a.done');
  });
});
