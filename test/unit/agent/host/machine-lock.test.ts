import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { lockMachine, ownedThings } from '../../../../agent/host/machine-lock.ts';

describe('the locks of an agent', () => {
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'slipway-lock-'));
  });
  after(() => rmSync(dir, { recursive: true }));

  const network = {
    name: 'one',
    bridge: 'one0',
    subnet: '10.0.0.0/24',
    egressAllow: [],
    processPorts: { first: 1, last: 2 },
  };

  it('are on its state folder, its name and its bridge', () => {
    const resources = (sandbox: 'lxc' | 'process'): string[] =>
      ownedThings({ sandbox, stateDir: '/state', network }, '/run').map(({ lockFile }) => lockFile);
    assert.deepEqual(resources('lxc'), [
      '/state/agent.lock',
      '/run/slipway-agent-name-one.lock',
      '/run/slipway-agent-bridge-one0.lock',
    ]);
    assert.deepEqual(resources('process'), ['/state/agent.lock']);
  });

  it('refuse a second agent that wants one of them, name it, and release the others', async () => {
    const thing = (name: string) => ({ what: `network.name "${name}"`, lockFile: join(dir, name) });
    const release = await lockMachine([thing('a'), thing('b')], 0);
    await assert.rejects(lockMachine([thing('c'), thing('b')], 0), {
      code: 'SLIP_AGENT_NAME_TAKEN',
      message: `Another agent on this machine (process ${String(process.pid)}) has the same network.name "b".`,
    });
    (await lockMachine([thing('c')], 0))();
    release();
    (await lockMachine([thing('a'), thing('b')], 0))();
    assert.deepEqual(readdirSync(dir), [], 'a lock that was given back leaves no file');
  });

  it('hold when the previous holder removes the lock file', async () => {
    const thing = { what: 'network.name "w"', lockFile: join(dir, 'w') };
    const release = await lockMachine([thing], 0);
    const waiting = lockMachine([thing], 20);
    release();
    const second = await waiting;
    await assert.rejects(lockMachine([thing], 0), { code: 'SLIP_AGENT_NAME_TAKEN' });
    second();
  });
});
