import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { linesOf } from '../../../cli/lines.ts';
import type { EventsBody, StatusBody } from '../../../shared/api/observe.ts';
import type { FleetEvent } from '../../../shared/domain/event.ts';
import { openApi, type ApiFixture, type Caller } from '../../support/api-fixture.ts';
import { addApp } from '../../support/store-fixtures.ts';

describe('events over the API', () => {
  let fixture: ApiFixture;
  let callers: Record<'ada' | 'bob' | 'root', Caller>;

  before(async () => {
    fixture = await openApi();
    const ada = await fixture.addCaller('ada');
    const bob = await fixture.addCaller('bob');
    callers = { ada: ada.caller, bob: bob.caller, root: (await fixture.addCaller('root', true)).caller };
    await addApp(fixture.store, ada.user.id, 'hello');
    await addApp(fixture.store, bob.user.id, 'other');
  });
  after(() => fixture.close());

  const read = async (caller: Caller, path: string): Promise<EventsBody> => {
    const answer = await fixture.call(caller, 'GET', `/v1${path}`);
    assert.equal(answer.statusCode, 200);
    return (await answer.body.json()) as EventsBody;
  };

  it('shows the owner the events of an app, an admin all events, and other users none', async () => {
    assert.deepEqual(subjects(await read(callers.ada, '/events')), ['app.created hello']);
    assert.deepEqual(subjects(await read(callers.ada, '/apps/hello/events')), ['app.created hello']);
    assert.ok(subjects(await read(callers.root, '/events')).includes('user.created '));
    assert.deepEqual(subjects(await read(callers.root, '/apps/other/events')), ['app.created other']);
    assert.equal((await fixture.call(callers.bob, 'GET', '/v1/apps/hello/events')).statusCode, 404);
  });

  it('gives them page by page', async () => {
    const all = subjects(await read(callers.root, '/events'));
    const paged: string[] = [];
    let before: number | undefined;
    do {
      const page = await read(callers.root, `/events?limit=3${before === undefined ? '' : `&before=${before}`}`);
      paged.push(...subjects(page));
      before = page.before;
    } while (before !== undefined);
    assert.deepEqual(paged, all);
  });

  it('follows: the last one first, then each new one of the caller’s own apps as it is committed', async () => {
    const answer = await fixture.call(callers.ada, 'GET', '/v1/events?follow=true&limit=1');
    const lines = linesOf(answer.body);
    assert.equal(await nextKind(lines), 'app.created');
    await fixture.store.addEvent({ kind: 'x.other', actor: 'controller', app: 'other', message: 'Not hers.' });
    await fixture.store.addEvent({ kind: 'x.mine', actor: 'controller', app: 'hello', message: 'Hers.' });
    assert.equal(await nextKind(lines), 'x.mine');
    answer.body.destroy();
  });

  it('sends the status again when something has happened', async () => {
    const answer = await fixture.call(callers.ada, 'GET', '/v1/status?follow=true');
    const lines = linesOf(answer.body);
    const apps = async (): Promise<number> =>
      (JSON.parse(((await lines.next()) as { value?: string }).value ?? '') as StatusBody).apps.length;
    assert.equal(await apps(), 1);
    await addApp(fixture.store, (await fixture.store.users()).find((user) => user.name === 'ada')!.id, 'second');
    // The status also comes every 5 s, which a slow machine may need to add an app.
    let count = await apps();
    while (count === 1) count = await apps();
    assert.equal(count, 2);
    answer.body.destroy();
  });
});

async function nextKind(lines: AsyncGenerator<string>): Promise<string> {
  const { value } = (await lines.next()) as { value?: string };
  return (JSON.parse(value ?? '') as FleetEvent).kind;
}

function subjects(body: EventsBody): readonly string[] {
  return body.events.map((event) => `${event.kind} ${event.app ?? ''}`);
}
