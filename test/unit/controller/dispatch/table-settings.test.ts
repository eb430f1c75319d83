import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TableSettings } from '../../../../controller/dispatch/table-settings.ts';
import { CLOUDFLARE } from '../../../../shared/domain/front-proxies.ts';

test('the route table has the networks of names, no empty lists, and is read again after a change', async () => {
  let trusted: readonly string[] = [];
  let reads = 0;
  const settings = new TableSettings({
    edgeLabels: () => Promise.resolve({ role: 'edge' }),
    frontProxies: async () => {
      reads += 1;
      return { trusted, proxyProtocol: [] };
    },
  });
  assert.equal(settings.isEdge({ labels: {} }), true, 'before the first load');
  await settings.load();
  assert.deepEqual(settings.fields(), {});
  assert.deepEqual([settings.isEdge({ labels: {} }), settings.isEdge({ labels: { role: 'edge' } })], [false, true]);
  trusted = ['cloudflare'];
  await settings.load();
  assert.deepEqual([settings.fields(), reads], [{}, 1]);
  settings.forget();
  assert.deepEqual(settings.fields(), {}, 'a table that is made meanwhile keeps the last settings');
  await settings.load();
  assert.equal(settings.fields().fronts?.trusted.length, CLOUDFLARE.networks.length);
});
