import assert from 'node:assert/strict';
import { it } from 'node:test';
import { pino } from 'pino';
import { createNodeEventSink } from '../../../../controller/observe/node-events.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';
import type { NewEvent } from '../../../../shared/domain/event.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';

const event = { kind: 'nodeEvent', atMs: 1, reason: { code: 'SLIP_DISK_LOW', message: 'Little is left.' } } as const;

it('records an event of an agent with the name of its node', () => {
  const added = collect((sink) => {
    sink({ id: 'node0001' as NodeId, name: 'fra-1' }, event);
  });
  assert.deepEqual(added, [
    {
      kind: 'node.disk-low',
      actor: 'node fra-1',
      node: 'fra-1',
      message: 'Little is left.',
      next: 'slipway why fra-1',
    },
  ]);
});

it('limits only the node that sends too many events', () => {
  const added = collect((sink) => {
    for (let index = 0; index < 1000; index++) sink({ id: 'node0002' as NodeId, name: 'liar' }, event);
    sink({ id: 'node0001' as NodeId, name: 'fra-1' }, event);
  });
  const told = added.filter((one) => one.node === 'liar').map(({ kind }) => kind);
  assert.deepEqual(told, [...Array<string>(30).fill('node.disk-low'), 'node.flood']);
  assert.equal(added.filter((one) => one.node === 'fra-1').length, 1);
});

function collect(act: (sink: ReturnType<typeof createNodeEventSink>) => void): readonly NewEvent[] {
  const added: NewEvent[] = [];
  const store = {
    appByName: () => Promise.resolve(undefined),
    assignmentsOfNode: () => Promise.resolve([]),
    addEvent: (one: NewEvent) => {
      added.push(one);
      return Promise.resolve({ ...one, seq: added.length, atMs: 0 });
    },
  };
  act(createNodeEventSink({ store, clock: { ...systemClock, monotonicMs: () => 0 }, log: pino({ enabled: false }) }));
  return added;
}
