import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NodeRegistry } from '../../../../controller/dispatch/node-registry.ts';
import { RouteDistributor } from '../../../../controller/dispatch/route-distributor.ts';
import type { Certificate } from '../../../../controller/domain/certificates.ts';
import { systemClock, type Clock } from '../../../../shared/kit/clock.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { aCertificate } from '../../../support/fleet-routes.ts';

it('waits for nothing after it was closed, also when a certificate ends much later', async () => {
  const waiting = new Set<AbortSignal | undefined>();
  const clock: Clock = {
    ...systemClock,
    sleep: (_, signal) => {
      waiting.add(signal);
      signal?.addEventListener('abort', () => waiting.delete(signal));
      return new Promise(() => undefined);
    },
  };
  const times = { notBeforeMs: 1, notAfterMs: Number.MAX_SAFE_INTEGER, createdAtMs: 1, storedAtMs: 1, servedAtMs: 1 };
  const certificate: Certificate = { ...aCertificate('shop'), kind: 'uploaded', appId: undefined, ...times };
  const none = (): Promise<never[]> => Promise.resolve([]);
  const routes = new RouteDistributor({
    store: {
      ...{ routedApps: none, runningRows: none, refusedCertificates: none },
      certificates: () => Promise.resolve([certificate]),
      addEvent: () => Promise.reject(new Error('nothing happens')),
      edgeLabels: () => Promise.resolve({}),
      frontProxies: () => Promise.resolve({ trusted: [], proxyProtocol: [] }),
      markServed: () => Promise.resolve(),
    },
    ...{ registry: new NodeRegistry(), sessions: () => [], clock, logger: silentLogger },
    ...{ epoch: { counter: 1, id: 'life' }, baseDomain: 'example.test', refusalRetryMs: 1_000 },
  });
  await routes.storedChanged();
  routes.scheduleRefresh();
  assert.equal(waiting.size, 2, 'for the end of the certificate, and for the refresh');
  routes.close();
  assert.equal(waiting.size, 0);
  routes.scheduleRefresh();
  await routes.storedChanged();
  assert.equal(waiting.size, 0);
});
