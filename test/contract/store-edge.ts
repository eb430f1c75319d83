import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Store } from '../../controller/store/port.ts';
import { FRONTS_MAX } from '../../shared/domain/front-proxies.ts';

/** Settings of the proxies of all nodes. */
export function edgeCases(get: () => Store): void {
  it('keeps the labels of the nodes that answer HTTPS', async () => {
    const store = get();
    assert.deepEqual(await store.edgeLabels(), {});
    await store.setEdgeLabels({ role: 'edge' });
    assert.deepEqual(await store.edgeLabels(), { role: 'edge' });
    await store.setEdgeLabels({});
    assert.deepEqual(await store.edgeLabels(), {});
  });

  it('keeps two lists of front proxies, and an entry is in one of them', async () => {
    const store = get();
    assert.deepEqual(await store.frontProxies(), { trusted: [], proxyProtocol: [] });
    await store.setFrontProxies({ trusted: ['cloudflare', '10.0.5.0/24', '10.0.5.0/24'] });
    assert.deepEqual(await store.frontProxies(), { trusted: ['10.0.5.0/24', 'cloudflare'], proxyProtocol: [] });
    const moved = await store.setFrontProxies({ proxyProtocol: ['10.0.5.0/24'] });
    assert.deepEqual(moved, { trusted: ['cloudflare'], proxyProtocol: ['10.0.5.0/24'] });
    await store.setFrontProxies({ trusted: [], proxyProtocol: [] });
    assert.deepEqual(await store.frontProxies(), { trusted: [], proxyProtocol: [] });
  });

  it('refuses more front proxies than its limit, and stores none of them', async () => {
    const store = get();
    const many = Array.from({ length: FRONTS_MAX + 1 }, (_, at) => `10.0.0.${String(at)}`);
    await assert.rejects(store.setFrontProxies({ trusted: many }), {
      code: 'SLIP_TRUST_LIMIT',
      message: /100 entries/,
    });
    assert.deepEqual((await store.setFrontProxies({ trusted: many.slice(1) })).trusted.length, FRONTS_MAX);
  });
}
