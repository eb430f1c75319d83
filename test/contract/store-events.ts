import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Store } from '../../controller/store/port.ts';
import type { NewEvent } from '../../shared/domain/event.ts';
import { addApp, addUser } from '../support/store-fixtures.ts';

const note = (kind: string, more: Partial<NewEvent> = {}): NewEvent => ({
  kind,
  actor: 'controller',
  message: `${kind} happened.`,
  ...more,
});

/** What every store must do with events. */
export function eventCases(get: () => Store): void {
  it('gives events back newest first, page by page, each as it was put in', async () => {
    const full = note('node.disk', {
      node: 'fra-1',
      instance: 'web.1',
      next: 'slipway status',
      details: { freeMb: 12, full: true, on: '/' },
    });
    const added = await get().addEvent(full);
    assert.deepEqual(added, { ...full, seq: added.seq, atMs: added.atMs, app: undefined });
    for (const kind of ['a.a', 'b.b', 'c.c']) await get().addEvent(note(kind));
    const first = await get().events({ limit: 2 });
    assert.deepEqual(kinds(first), ['c.c', 'b.b']);
    const second = await get().events({ limit: 2, beforeSeq: first[1]!.seq });
    assert.deepEqual(second, [(await get().events({ limit: 1, beforeSeq: first[1]!.seq }))[0], added]);
    assert.deepEqual(kinds(await get().events({ limit: 9, afterSeq: added.seq })), ['a.a', 'b.b', 'c.c']);
  });

  it('finds those of an app, of a user’s apps, of a node and of an instance', async () => {
    const [ada, bob] = [await addUser(get(), 'ada'), await addUser(get(), 'bob')];
    const mine = await addApp(get(), ada.id, 'mine');
    await addApp(get(), bob.id, 'other');
    const { seq } = await get().addEvent(note('x.mine', { app: 'mine', instance: 'web.1' }));
    await get().addEvent(note('x.other', { app: 'other', node: 'fra-1' }));
    await get().addEvent(note('x.fleet', { node: 'fra-1' }));
    const since = { limit: 9, afterSeq: seq - 1 };
    assert.deepEqual(kinds(await get().events({ ...since, appId: mine.id })), ['x.mine']);
    assert.deepEqual(kinds(await get().events({ ...since, ownerId: bob.id })), ['x.other']);
    assert.deepEqual(kinds(await get().events({ ...since, node: 'fra-1' })), ['x.other', 'x.fleet']);
    assert.deepEqual(kinds(await get().events({ ...since, appId: mine.id, instance: 'web.2' })), []);
  });

  it('wakes listeners after the commit, and only of what was committed', async () => {
    let woken = 0;
    const stop = get().onEvents(() => woken++);
    await get().users();
    assert.equal(woken, 0);
    await get().addEvent(note('a.a'));
    assert.equal(woken, 1);
    stop();
    await get().addEvent(note('b.b'));
    assert.equal(woken, 1);
  });

  it('cuts a message that has no end', async () => {
    const { message } = await get().addEvent(note('a.a', { message: 'x'.repeat(100_000) }));
    assert.equal(message.length, 1000);
  });
}

function kinds(events: readonly { readonly kind: string }[]): readonly string[] {
  return events.map((event) => event.kind);
}
