import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { Upgrades } from '../../../../controller/install/upgrades.ts';
import type { LiveNode } from '../../../../controller/dispatch/port.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { FAKE_PROGRAM } from '../../../support/api-fixture.ts';
import { eventually } from '../../../support/eventually.ts';

const WANTED = FAKE_PROGRAM.version;
const stop = new AbortController();

interface FakeFleet {
  readonly upgrades: Upgrades;
  readonly sent: string[];
  /** The node connects with the new version. */
  arrive(name: string): void;
}

function fleetOf(names: readonly string[]): FakeFleet {
  const versions = new Map(names.map((name) => [name, '0.1.0+aaaaaaaaaaaa']));
  const sent: string[] = [];
  const live = (name: string): LiveNode =>
    ({ nodeId: name as NodeId, name, connected: true, agentVersion: versions.get(name) }) as unknown as LiveNode;
  const upgrades = new Upgrades({
    fleet: { nodes: () => names.map(live) },
    programs: { current: () => Promise.resolve(FAKE_PROGRAM) },
    store: { addEvent: (event) => Promise.resolve({ ...event, seq: 1, atMs: 0 }) },
    send: (id) => sent.push(id) > 0,
    clock: systemClock,
    log: silentLogger,
    signal: stop.signal,
  });
  return { upgrades, sent, arrive: (name) => void versions.set(name, WANTED) };
}

describe('an upgrade of the fleet', () => {
  after(() => stop.abort());

  it('starts the next wave when the previous one is connected with the new version', async () => {
    const { upgrades, sent, arrive } = fleetOf(['a1', 'a2', 'a3']);
    await upgrades.start([], 'ada');
    assert.deepEqual(sent, ['a1']);
    await assert.rejects(upgrades.start([], 'ada'), { code: 'SLIP_UPGRADE_RUNS' });
    arrive('a1');
    await eventually('the second wave is asked', () => sent.length === 2);
    arrive('a2');
    await eventually('the third wave is asked', () => sent.length === 3);
    arrive('a3');
    await eventually('it is done', () => upgrades.status().state === 'done');
  });

  it('stops at a node that went back to the old version, and does not upgrade the others', async () => {
    const { upgrades, sent } = fleetOf(['a1', 'a2']);
    await upgrades.start([], 'ada');
    upgrades.heard('a1', { code: 'SLIP_DISK_LOW', message: 'about something else' });
    assert.equal(upgrades.status().state, 'running');
    upgrades.heard('a1', { code: 'SLIP_UPGRADE_WENT_BACK', message: 'it did not connect' });
    await eventually('it has stopped', () => upgrades.status().state === 'failed');
    assert.deepEqual(sent, ['a1']);
    assert.deepEqual(
      upgrades.status().nodes.map(({ name, state }) => `${name} ${state}`),
      ['a1 failed', 'a2 waiting'],
    );
  });

  it('upgrades only the named nodes, and refuses unknown ones', async () => {
    const { upgrades, sent } = fleetOf(['a1', 'a2']);
    await assert.rejects(upgrades.start(['a9'], 'ada'), { code: 'SLIP_UPGRADE_NODE' });
    await upgrades.start(['a2'], 'ada');
    assert.deepEqual(sent, ['a2']);
  });
});
