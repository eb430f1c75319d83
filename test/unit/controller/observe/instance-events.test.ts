import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { pino } from 'pino';
import { FleetObserver } from '../../../../controller/observe/instance-events.ts';
import type { NodeRow } from '../../../../controller/domain/nodes.ts';
import type { Store } from '../../../../controller/store/port.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import type { InstanceId } from '../../../../shared/domain/ids.ts';
import type { InstanceStatus } from '../../../../shared/domain/instance.ts';
import { eventually } from '../../../support/eventually.ts';
import {
  addApp,
  addNode,
  addUser,
  assignment,
  newRelease,
  noChange,
  openMemoryStore,
} from '../../../support/store-fixtures.ts';

const GIB = 1024 ** 3;

describe('events of instances', () => {
  let store: Store;
  let node: NodeRow;
  let web: InstanceId;
  let observer: FleetObserver;
  let lastSeq = 0;

  beforeEach(async () => {
    store = await openMemoryStore();
    const app = await addApp(store, (await addUser(store)).id, 'shop');
    node = await addNode(store, 'fra-1');
    await store.createRelease(newRelease(app));
    const row = assignment({ nodeId: node.id, appId: app.id, release: 1 });
    await store.changeAssignments({ ...noChange, add: [row] });
    web = row.instanceId;
    observer = new FleetObserver({ store, clock: systemClock, log: pino({ enabled: false }) });
    lastSeq = (await store.events({ limit: 1 }))[0]?.seq ?? 0;
  });
  afterEach(() => store.close());

  const told = async (): Promise<readonly string[]> =>
    (await store.events({ afterSeq: lastSeq, limit: 50 })).map((event) => `${event.kind} ${event.message}`);

  const untilTold = async (expected: readonly string[]): Promise<void> => {
    await eventually('as many events as there is news', async () => (await told()).length >= expected.length);
    assert.deepEqual(await told(), expected);
  };

  const status = (change: Partial<InstanceStatus>): InstanceStatus => ({
    ...{ instanceId: web, state: 'starting', restarts: 0, lastLines: [], timingsMs: {} },
    ...change,
  });
  it('is news when an instance is not ready, and when it is again', async () => {
    const reason = { code: 'SLIP_CHECK_READINESS', message: 'web.1 gets no requests: readiness check /up failed.' };
    const unready = (sinceMs: number): InstanceStatus =>
      status({
        ...{ state: 'live', ready: false, reason },
        checks: [
          { check: 'readiness check /up', passed: false, lastPassed: false, answer: 'it answered 503', sinceMs },
        ],
      });
    const ready = status({ state: 'live', ready: true });
    for (const next of [ready, unready(1), unready(1), ready, ready, unready(2)]) observer.report(node, [next], false);
    await untilTold([
      'instance.unready web.1 gets no requests: readiness check /up failed.',
      'instance.ready web.1 gets requests again: its health checks pass.',
      'instance.unready web.1 gets no requests: readiness check /up failed.',
    ]);
  });

  const oom = (atMs: number): InstanceStatus =>
    status({
      state: 'backoff',
      reason: { code: 'SLIP_APP_OUT_OF_MEMORY', message: 'web.1 was killed.' },
      lastExit: { signal: 'SIGKILL', oomKilled: true, atMs },
    });

  it('limits the events of a node that reports many crashes, and names the node', async () => {
    for (let at = 1; at <= 1_000; at += 1) observer.report(node, [oom(at)], false);
    await eventually(
      'the last of them',
      async () => (await store.events({ afterSeq: lastSeq, limit: 500 })).length >= 121,
    );
    const kinds = (await store.events({ afterSeq: lastSeq, limit: 500 })).map(({ kind }) => kind);
    assert.deepEqual([kinds.length, kinds.filter((kind) => kind === 'node.flood').length], [121, 1]);
  });

  it('logs a change that the state table does not allow, with both states', () => {
    const lines: string[] = [];
    const log = pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(line) });
    const watching = new FleetObserver({ store, clock: systemClock, log });
    for (const state of ['pending', 'live', 'stopping', 'live'] as const)
      watching.report(node, [status({ state })], false);
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      [
        {
          ...{ level: 50, node: 'fra-1', instanceId: web, from: 'stopping', to: 'live' },
          msg: 'instance.illegal_transition',
        },
      ],
    );
  });

  it('records each crash once', async () => {
    observer.report(node, [status({})], false);
    observer.report(node, [oom(1)], false);
    observer.report(node, [{ ...oom(1), state: 'starting' }, oom(1)], false);
    observer.report(node, [oom(2)], false);
    await untilTold(['instance.oom web.1 was killed.', 'instance.oom web.1 was killed.']);
    const [event] = await store.events({ limit: 1 });
    assert.deepEqual(
      [event?.app, event?.node, event?.instance, event?.actor],
      ['shop', 'fra-1', 'web.1', 'node fra-1'],
    );
    assert.equal(event?.next, 'slipway why web.1 -a shop');
  });

  it('records nothing twice after a reconnect, but records missed changes', async () => {
    observer.report(node, [oom(1)], true);
    observer.report(node, [oom(1)], true);
    observer.report(node, [oom(2)], true);
    await untilTold(['instance.oom web.1 was killed.']);
  });

  it('records no event for an instance that was told to end', async () => {
    observer.report(node, [status({})], false);
    observer.report(node, [status({ state: 'stopping', lastExit: { code: 0, oomKilled: false, atMs: 1 } })], false);
    observer.report(
      node,
      [status({ state: 'failed', reason: { code: 'SLIP_APP_NEVER_BOUND', message: 'It did not listen.' } })],
      false,
    );
    await untilTold(['instance.failed It did not listen.']);
  });

  it('records once that a disk is nearly full', async () => {
    for (const freeBytes of [5 * GIB, 0.5 * GIB, 0.9 * GIB, 1.5 * GIB, 0.4 * GIB, 3 * GIB, 0.3 * GIB])
      observer.heartbeat(node, freeBytes);
    await untilTold([
      'node.disk-low Node fra-1 has 512 MB of disk left.',
      'node.disk-low Node fra-1 has 307 MB of disk left.',
    ]);
  });
});
