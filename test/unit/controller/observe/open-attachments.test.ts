import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OpenAttachments, type KeptAttachment } from '../../../../controller/observe/open-attachments.ts';
import type { Store } from '../../../../controller/store/port.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';
import {
  addApp,
  addNode,
  addUser,
  assignment,
  newRelease,
  noChange,
  openMemoryStore,
} from '../../../support/store-fixtures.ts';

async function lab() {
  const store = await openMemoryStore();
  const user = await addUser(store);
  const app = await addApp(store, user.id, 'shop');
  const [here, there] = [await addNode(store, 'fra-1'), await addNode(store, 'fra-2')];
  await store.createRelease(newRelease(app, {}));
  const row = assignment({ nodeId: here.id, appId: app.id, release: 1 });
  await store.changeAssignments({ ...noChange, add: [row] });
  const names = new Map([here, there].map((node) => [node.id, { name: node.name }]));
  const reports = new Set<(nodeId: NodeId) => void>();
  const onChange = (listener: (nodeId: NodeId) => void): (() => boolean) => {
    reports.add(listener);
    return () => reports.delete(listener);
  };
  const fleet = { node: (id: NodeId) => names.get(id), onChange } as never;
  const report = (nodeId: NodeId): void => reports.forEach((listener) => listener(nodeId));
  const clock = new VirtualClock();
  const attachments = new OpenAttachments({ store, fleet, clock, log: silentLogger, bakeMs: 10_000 });
  const told: string[] = [];
  const open = (): KeptAttachment => attachments.add({ app, row, user, tell: (text) => told.push(text) });
  return { store, app, here, there, row, clock, attachments, told, open, report };
}

const drained = (store: Store, id: NodeId, drainUntilMs: number | null): Promise<unknown> =>
  store.changeNode(id, { drainUntilMs });

describe('the open sessions in instances', () => {
  it('are listed from their start to their end, and many connections to a port are one', async () => {
    const { attachments, open, clock } = await lab();
    const [shell, first, second] = [open(), open(), open()];
    assert.deepEqual(attachments.list(), []);
    shell.started('shell');
    for (const one of [first, second]) one.started('forward');
    assert.deepEqual(
      attachments
        .list()
        .map(({ app, instance, node, release, user, purpose, openedAtMs }) =>
          [app, instance, node, release, user, purpose, openedAtMs === clock.nowMs()].join(' '),
        ),
      ['shop web.1 fra-1 1 ada shell true', 'shop web.1 fra-1 1 ada forward true'],
    );
    for (const one of [shell, first, second]) one.close();
    shell.close();
    assert.deepEqual(attachments.list(), []);
  });

  it('are told once of a drain, and that they go on when it is called off', async () => {
    const { store, here, attachments, open, told } = await lab();
    const shell = open();
    await attachments.check();
    assert.deepEqual([told, shell.endReason()], [[], undefined]);
    await drained(store, here.id, Date.UTC(2026, 0, 1, 12));
    await attachments.check();
    await attachments.check();
    assert.equal(shell.endReason()?.code, 'SLIP_ATTACH_REPLACED');
    await drained(store, here.id, null);
    await attachments.check();
    assert.deepEqual(told, [
      'fra-1 is being drained until 12:00:00 UTC at the latest. This session ends when web.1 has moved to another node.',
      'web.1 keeps running, so this session goes on.',
    ]);
    assert.equal(shell.endReason(), undefined);
    shell.close();
  });

  it('know why they ended, also when the drain is over before the instance has stopped', async () => {
    const { store, row, here, there, attachments, open, told } = await lab();
    const shell = open();
    await drained(store, here.id, Date.UTC(2026, 0, 1, 12));
    const copy = { ...assignment({ nodeId: there.id, appId: row.appId, release: 1 }), replaces: row.instanceId };
    await store.changeAssignments({ ...noChange, add: [{ ...copy, moveReason: 'drain' }] });
    await attachments.check();
    await drained(store, here.id, null);
    await store.changeAssignments({ ...noChange, setDesired: [{ instanceId: row.instanceId, desired: 'stop' }] });
    await attachments.check();
    assert.deepEqual(
      [told.length, shell.endReason()?.message, shell.endReason()?.hint],
      [
        2,
        'web.1 has moved from fra-1 to fra-2, because fra-1 is being drained. This session was in the former instance and ended with it.',
        'Open a new session: slipway ps:exec web.1 -a shop',
      ],
    );
    shell.close();
  });

  it('are checked while there are some, and only then', async () => {
    const { store, here, clock, open, told } = await lab();
    const shell = open();
    await drained(store, here.id, Date.UTC(2026, 0, 1, 12));
    await clock.until(() => told.length === 1, 10_000);
    shell.close();
    await drained(store, here.id, null);
    await clock.advance(10_000);
    assert.equal(told.length, 1);
  });

  it('are checked after a report of their node, and not after those of others', async () => {
    const { store, here, there, clock, open, told, report } = await lab();
    const shell = open();
    await clock.advance(100);
    await drained(store, here.id, Date.UTC(2026, 0, 1, 12));
    report(there.id);
    await clock.advance(100);
    assert.equal(told.length, 0);
    report(here.id);
    await clock.advance(100);
    assert.equal(told.length, 1);
    shell.close();
  });
});
