import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { appIdsByName, moveFormerLogs } from '../../../../agent/logs/former-logs.ts';
import { LogBook } from '../../../../agent/logs/log-book.ts';
import type { DesiredState } from '../../../../shared/domain/assignment.ts';
import type { AppId } from '../../../../shared/domain/ids.ts';

const SHOP = 'app0000001' as AppId;
const NEW_SHOP = 'app0000002' as AppId;

describe('logs by app', () => {
  let dir = '';
  before(() => (dir = mkdtempSync(join(tmpdir(), 'slipway-book-'))));
  after(() => rmSync(dir, { recursive: true }));

  const book = (): LogBook => new LogBook(join(dir, 'book.json'), (id) => `/logs/${id}`);

  it('belong to the id of an app, not to its name', () => {
    const logs = book();
    logs.add({ instanceId: 'instance1', appId: SHOP, app: 'shop', process: 'web.1' });
    logs.add({ instanceId: 'instance2', appId: NEW_SHOP, app: 'shop', process: 'web.1' });
    assert.deepEqual(logs.sources(NEW_SHOP), [{ process: 'web.1', dir: '/logs/instance2' }]);
    assert.deepEqual(logs.writer('instance1'), { appId: SHOP, process: 'web.1' });
  });

  it('of an older agent get the id of the app that has the name now, or nobody reads them', async () => {
    const entry = { process: 'web.1', endedAtMs: 1 };
    const entries = [
      { ...entry, instanceId: 'instance1', app: 'shop' },
      { ...entry, instanceId: 'instance2', app: 'gone' },
      { instanceId: 'instance3', app: 'gone', process: 'web.1' },
    ];
    writeFileSync(join(dir, 'book.json'), JSON.stringify(entries));
    const logs = book();
    await logs.load();
    // The function reads these fields alone.
    const desired = {
      assignments: [],
      routes: [{ hostname: 'shop.test', app: 'shop', appId: SHOP }],
    } as unknown as DesiredState;
    const appIds = appIdsByName(desired, undefined);
    assert.deepEqual(
      logs.identify((name) => appIds.get(name)),
      ['instance2'],
    );
    assert.equal(logs.sources(SHOP).length, 1);
    assert.equal(logs.writer('instance3'), undefined);
  });

  it('of the platform are moved from names to ids, and the rest is removed', async () => {
    const [former, now] = [join(dir, 'former'), join(dir, 'now')];
    for (const name of ['shop', 'gone']) mkdirSync(join(former, name), { recursive: true });
    writeFileSync(join(former, 'shop', 'current'), 'a line\n');
    await moveFormerLogs(former, now, new Map([['shop', SHOP]]));
    assert.equal(readFileSync(join(now, SHOP, 'current'), 'utf8'), 'a line\n');
    assert.equal(existsSync(former), false);
    await moveFormerLogs(former, now, new Map());
  });
});
