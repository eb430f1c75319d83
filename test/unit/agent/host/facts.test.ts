import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { collectFacts, collectHeartbeat, findMissing, osRelease } from '../../../../agent/host/facts.ts';

describe('facts of a machine', () => {
  it('exist and are plausible', async () => {
    const own = {
      agentVersion: '1',
      sandboxDriver: 'fake',
      stacks: [],
      proxyVersion: '',
      missing: [],
      builder: true,
      httpAddress: '',
    };
    const facts = await collectFacts(tmpdir(), own);
    assert.ok(facts.cpus > 0 && facts.memoryBytes > 0 && facts.diskBytes >= facts.diskFreeBytes);
    assert.match(facts.os, /^[a-z]+/);
    assert.ok((await collectHeartbeat(tmpdir())).memoryFreeBytes > 0);
  });

  it('read the name of the system with and without quotes', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'slipway-facts-'));
    await writeFile(join(dir, 'os'), 'NAME="Debian"\nVERSION_ID="12"\nID=debian\n');
    assert.equal(await osRelease(join(dir, 'os')), 'debian-12');
    assert.equal(await osRelease(join(dir, 'none')), 'linux');
    await rm(dir, { recursive: true });
  });

  it('name what is missing', async () => {
    const needed = [
      { program: 'sh', message: 'sh is missing' },
      { program: 'no-such-program', message: 'that is missing' },
    ];
    assert.deepEqual(await findMissing(needed, ['/usr/bin', '/bin']), ['that is missing']);
  });
});
