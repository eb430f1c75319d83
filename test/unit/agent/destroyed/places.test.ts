import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { groupFound } from '../../../../agent/destroyed/places/files.ts';
import { instancesPlace } from '../../../../agent/destroyed/places/instances.ts';
import { isPathOf } from '../../../../agent/destroyed/places/mounts.ts';
import { idsOf, isOfOtherAgent } from '../../../../agent/destroyed/places/processes.ts';
import { sandboxesPlace } from '../../../../agent/destroyed/places/sandboxes.ts';
import type { NamedApp } from '../../../../agent/destroyed/port.ts';
import type { SandboxStatus } from '../../../../agent/sandbox/port.ts';
import type { AppId } from '../../../../shared/domain/ids.ts';
import { parseAppName } from '../../../../shared/domain/names.ts';
import { FIRST_UID_BASE, UIDS_PER_APP } from '../../../../shared/domain/uid-range.ts';

const [shop, blog] = ['appshop00', 'appblog00'] as [AppId, AppId];
const named = (appId: AppId, uidBase: number): NamedApp => ({ appId, uidBase, namedAtMs: 0, layers: new Set() });
const SHOP = named(shop, FIRST_UID_BASE);
const BLOG = named(blog, FIRST_UID_BASE + UIDS_PER_APP);
const UNKNOWN = named('appother0' as AppId, 0);

describe('a place where an app leaves something', () => {
  it('instances: those of the app, and those whose app is unknown', async () => {
    const held = [
      { instanceId: 'one', appId: shop, uidBase: undefined },
      { instanceId: 'two', appId: undefined, uidBase: BLOG.uidBase },
      { instanceId: 'three', appId: undefined, uidBase: undefined },
      { instanceId: 'four', appId: undefined, uidBase: SHOP.uidBase },
    ];
    const place = instancesPlace({ held: () => held, writerOf: (id) => (id === 'four' ? blog : undefined) });
    const left = await place.look([SHOP, BLOG]);
    assert.deepEqual(left.get(shop), ['one', 'three']);
    assert.deepEqual(left.get(blog), ['two', 'three', 'four']);
  });

  it('sandboxes: those with its user ids, and unknown ones', async () => {
    const box = (id: string, uidBase: number): SandboxStatus => ({
      ...{ id, uidBase, purpose: 'app', app: parseAppName('shop'), phase: 'running', address: '' },
    });
    const list = async (): Promise<readonly SandboxStatus[]> => [
      box('boxofshop', SHOP.uidBase),
      box('boxofblog', BLOG.uidBase),
    ];
    const traces = async (): Promise<readonly string[]> => ['boxofshop', 'boxofblog', 'halfmade00', 'keptlog000'];
    const sandbox = { list, traces, forget: () => Promise.resolve() };
    const place = sandboxesPlace({ sandbox, known: () => new Set(['keptlog000']) });
    const left = await place.look([SHOP, UNKNOWN]);
    assert.deepEqual(left.get(shop), ['boxofshop', 'halfmade00']);
    assert.deepEqual(left.get(UNKNOWN.appId), ['halfmade00'], 'without user ids nothing can be said by user ids');
  });

  it('processes: by any of their users and groups, but not those of another agent of the machine', () => {
    const status = 'Name:\tsh\nUmask:\t0022\nUid:\t0\t0\t536871912\t0\nGid:\t5\t5\t5\t5\nGroups:\t7\n';
    assert.deepEqual(idsOf(status), [0, 536_871_912, 5]);
    assert.deepEqual(idsOf(''), []);
    const groups = '12:memory:/other/abcdefgh12/app\n0::/\n';
    assert.equal(isOfOtherAgent(groups, 'slipway'), true);
    assert.equal(isOfOtherAgent(groups, 'other'), false);
    assert.equal(isOfOtherAgent('0::/system.slice/ssh.service\n', 'slipway'), false);
    assert.equal(isOfOtherAgent('0::/a/slipway/abcdefgh12/app/x\n', 'slipway'), false);
  });

  it('mounts and loop devices: by the id, a user id, or a sandbox of the app, and only below the folder of the agent', () => {
    const owner = { app: SHOP, roots: ['/var/lib/slipway'], sandboxes: ['boxofshop'] };
    const hex = 'a'.repeat(64);
    const own = [
      `build-cache/${shop}/disk`,
      `mounts/${hex}-${String(SHOP.uidBase + 1000)}`,
      `images/owned/${hex}-${String(SHOP.uidBase + 1000)}.sqfs`,
      'sandbox/sandboxes/boxofshop/disk.img',
    ];
    for (const path of own) {
      assert.equal(isPathOf(`/var/lib/slipway/${path}`, owner), true, path);
      assert.equal(isPathOf(`/srv/other/${path}`, owner), false, path);
    }
    for (const path of [
      `build-cache/${blog}/disk`,
      `mounts/${hex}-${String(BLOG.uidBase + 1000)}`,
      `mounts/${hex}-shared`,
    ])
      assert.equal(isPathOf(`/var/lib/slipway/${path}`, owner), false, path);
  });

  it('files: by user or group, whatever their names are', () => {
    const [user, group] = [SHOP.uidBase + 1000, BLOG.uidBase];
    const lines = [`${String(user)} 0 /a b\n`, `0 ${String(group)} /c`, `${String(user)} ${String(group)} /d`, ''];
    const found = groupFound([SHOP, BLOG], lines.join('\0'));
    assert.deepEqual(found.get(shop), ['/a b\n', '/d']);
    assert.deepEqual(found.get(blog), ['/c', '/d']);
  });
});
