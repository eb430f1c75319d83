import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Store } from '../../controller/store/port.ts';
import type { NewEvent } from '../../shared/domain/event.ts';
import { addApp, addNode, addUser, newRelease, noChange } from '../support/store-fixtures.ts';
import { parseUserName } from '../../shared/domain/names.ts';

const note = (kind: string, more: Partial<NewEvent> = {}): NewEvent => ({
  kind,
  actor: 'controller',
  message: `${kind} happened.`,
  ...more,
});

/** What every store must do with events. */
export function eventCases(get: () => Store): void {
  it('returns events unchanged, newest first, page by page', async () => {
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

  it('wakes listeners after the commit, and only for committed events', async () => {
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

/** What the store makes true it tells by itself, in the same transaction. */
export function factCases(get: () => Store): void {
  it('records users, apps, config, builds, releases and nodes, and never a secret', async () => {
    const ada = await addUser(get(), 'ada', true);
    await get().createUser({ name: parseUserName('bob'), admin: false, by: ada.name });
    await get().addToken({ userId: ada.id, secretHash: 'hash-of-secret', description: 'laptop' });
    const app = await addApp(get(), ada.id, 'shop');
    await get().setConfig(app.id, { DATABASE_URL: 'postgres://s3cret' }, ada.id);
    const build = await get().createBuild({ appId: app.id, userId: ada.id, commit: 'd'.repeat(40) });
    await get().setBuildState(build.id, 'failed', { failure: { code: 'X', message: 'npm failed.' } });
    await get().createRelease(newRelease(app));
    await get().beginRollout(app.id, 1, noChange);
    await get().completeRollout(app.id, 1, noChange);
    await get().failRelease(app.id, 1, { code: 'SLIP_APP_EXITED', message: 'It crashed.' }, noChange);
    const node = await addNode(get(), 'fra-1');
    for (const state of ['ready', 'unreachable', 'unreachable', 'ready'] as const)
      await get().setNodeState(node.id, state);
    const told = await get().events({ limit: 100, afterSeq: 0 });
    assert.deepEqual(
      told.map((event) => `${event.actor}: ${event.kind} ${event.app ?? event.node ?? ''}`.trim()),
      [
        'controller: user.created',
        'ada: user.created',
        'ada: token.created',
        'ada: app.created shop',
        'ada: config.set shop',
        'ada: build.started shop',
        'controller: build.failed shop',
        'ada: release.created shop',
        'controller: release.live shop',
        'controller: release.failed shop',
        'controller: node.token',
        'node fra-1: node.joined fra-1',
        'controller: node.ready fra-1',
        'controller: node.unreachable fra-1',
        'controller: node.ready fra-1',
      ],
    );
    assert.doesNotMatch(JSON.stringify(told), /s3cret|hash-of-secret/);
  });

  it('records nothing when a change fails', async () => {
    const ada = await addUser(get(), 'ada');
    const app = await addApp(get(), ada.id, 'shop');
    const [last] = await get().events({ limit: 1 });
    await get().createRelease(newRelease(app));
    await assert.rejects(get().completeRollout(app.id, 1, noChange));
    await assert.rejects(addApp(get(), ada.id, 'shop'));
    assert.deepEqual(kinds(await get().events({ limit: 9, afterSeq: last!.seq })), ['release.created']);
  });
}
