import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MachineInventory } from '../../../../agent/host/machine-inventory.ts';
import type { MachineFacts } from '../../../../shared/domain/node-facts.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';

const FACTS: MachineFacts = {
  product: 'P',
  virtualization: 'none',
  cpuModel: 'C',
  cpuSockets: 1,
  cpuCores: 2,
  swapBytes: 0,
  disks: [],
  interfaces: [],
};

function inventoryOf(read: () => Promise<MachineFacts>, signal = new AbortController().signal): MachineInventory {
  return new MachineInventory({ read, clock: systemClock, log: silentLogger, signal, delayMs: 0 });
}

describe('the inventory of a machine', () => {
  it('is read once, and sent once a session', async () => {
    let reads = 0;
    const inventory = inventoryOf(() => {
      reads += 1;
      return Promise.resolve(FACTS);
    });
    assert.equal(inventory.forHello(), undefined);
    assert.equal(inventory.forHeartbeat(), undefined);
    await Promise.all([inventory.welcomed(), inventory.welcomed()]);
    await inventory.welcomed();
    assert.equal(reads, 1);
    assert.deepEqual(JSON.parse(inventory.forHeartbeat() ?? ''), { machine: FACTS });
    assert.equal(inventory.forHeartbeat(), undefined);
    assert.deepEqual(inventory.forHello(), FACTS);
    assert.equal(inventory.forHeartbeat(), undefined);
  });

  it('stays absent after a failure, and is read again in the next session', async () => {
    let reads = 0;
    const inventory = inventoryOf(() => {
      reads += 1;
      return reads === 1 ? Promise.reject(new Error('lsblk hangs')) : Promise.resolve(FACTS);
    });
    await inventory.welcomed();
    assert.equal(inventory.forHello(), undefined);
    await inventory.welcomed();
    assert.deepEqual(inventory.forHello(), FACTS);
  });

  it('is not read after the agent has stopped', async () => {
    const inventory = inventoryOf(() => Promise.resolve(FACTS), AbortSignal.abort());
    await inventory.welcomed();
    assert.equal(inventory.forHello(), undefined);
  });
});
