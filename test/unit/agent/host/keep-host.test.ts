import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keepHost, type HostParts } from '../../../../agent/host/keep-host.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';

describe('the repairs of the machine by the agent', () => {
  it('continue after a failure, and report the first failure', async () => {
    const done: string[] = [];
    const part = (name: string, fails = false) => {
      done.push(name);
      return fails ? Promise.reject(new Error(name)) : Promise.resolve();
    };
    const parts = {
      sandbox: { ensureHost: () => part('sandbox', true) },
      proxy: { ensureRunning: () => part('proxy', true) },
      units: { ensure: () => part('units') },
      images: { ensureHost: () => part('images'), collectGarbage: () => part('garbage') },
      documents: { desiredState: { current: () => undefined } },
      commands: { layersInUse: () => new Set() },
      builds: { layersInUse: () => new Set(), checkLeftovers: () => void done.push('leftovers') },
      destroyed: { check: () => void done.push('destroyed') },
      log: silentLogger,
    } as unknown as HostParts;
    await assert.rejects(keepHost(parts), /^Error: sandbox$/);
    assert.deepEqual(done.slice(0, 3), ['sandbox', 'proxy', 'units']);
    assert.ok(done.length > 4, 'images too');
    assert.deepEqual(done.slice(-2), ['leftovers', 'destroyed']);
  });
});
