import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend, Proxy } from '../../agent/proxy/port.ts';
import type { AppId } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { eventually } from '../support/eventually.ts';
import { routesOf } from '../support/proxy-lab.ts';

/** A proxy and a way to see through it. */
export interface ProxySubject extends AsyncDisposable {
  readonly proxy: Proxy;
  /** An instance that answers its id. */
  backend(id: string): Promise<Backend>;
  /** Id of the instance that answered, or the status of an error page. */
  request(host: string): Promise<string | number>;
  /** Opens a request on the host that stays open; resolves when the instance has it. `ended` tells when it is cut. */
  hold(host: string): Promise<{ readonly ended: Promise<void> }>;
}

async function idsSeen(subject: ProxySubject, host: string): Promise<string[]> {
  const seen = new Set<string>();
  for (let turn = 0; turn < 12; turn += 1) seen.add(String(await subject.request(host)));
  return [...seen].sort();
}

/** What every proxy promises. */
export function describeProxy(name: string, open: () => Promise<ProxySubject>): void {
  describe(`proxy contract: ${name}`, () => {
    test('a host routes to its app with any case and port, and an unknown one gives a 404', async () => {
      await using subject = await open();
      const one = await subject.backend('one0000001');
      await subject.proxy.ensureRunning();
      await subject.proxy.apply({ apps: [routesOf('alpha', [one], ['alpha.test', 'www.alpha.test'])] });
      assert.equal(await subject.request('alpha.test'), 'one0000001');
      assert.equal(await subject.request('WWW.Alpha.test:8080'), 'one0000001');
      assert.equal(await subject.request('beta.test'), 404);
    });

    test('a wildcard stands for one label, and a name of its own comes before it', async () => {
      await using subject = await open();
      const [one, two] = [await subject.backend('one0000001'), await subject.backend('two0000001')];
      await subject.proxy.ensureRunning();
      await subject.proxy.apply({
        apps: [routesOf('alpha', [one], ['*.shop.test']), routesOf('beta', [two], ['own.shop.test'])],
      });
      assert.equal(await subject.request('any.shop.test'), 'one0000001');
      assert.equal(await subject.request('own.shop.test'), 'two0000001');
      assert.equal(await subject.request('shop.test'), 404);
      assert.equal(await subject.request('a.b.shop.test'), 404);
    });

    test('all instances of an app get requests, and a removed one none', async () => {
      await using subject = await open();
      const one = await subject.backend('one0000001');
      const two = await subject.backend('two0000001');
      await subject.proxy.ensureRunning();
      await subject.proxy.apply({ apps: [routesOf('alpha', [one, two])] });
      assert.deepEqual(await idsSeen(subject, 'alpha.test'), ['one0000001', 'two0000001']);
      await subject.proxy.apply({ apps: [routesOf('alpha', [two])] });
      assert.deepEqual(await idsSeen(subject, 'alpha.test'), ['two0000001']);
    });

    test('an app without instances answers 503, a removed app 404', async () => {
      await using subject = await open();
      const one = await subject.backend('one0000001');
      await subject.proxy.ensureRunning();
      await subject.proxy.apply({ apps: [routesOf('alpha', [one])] });
      await subject.proxy.apply({ apps: [routesOf('alpha', [])] });
      assert.equal(await subject.request('alpha.test'), 503);
      await subject.proxy.apply({ apps: [] });
      assert.equal(await subject.request('alpha.test'), 404);
    });

    test('a host can move to another app, and an old instance can take its traffic back', async () => {
      await using subject = await open();
      const one = await subject.backend('one0000001');
      const two = await subject.backend('two0000001');
      await subject.proxy.ensureRunning();
      await subject.proxy.apply({ apps: [routesOf('alpha', [one], ['shop.test']), routesOf('beta', [two], [])] });
      await subject.proxy.apply({ apps: [routesOf('alpha', [one], []), routesOf('beta', [two], ['shop.test'])] });
      assert.equal(await subject.request('shop.test'), 'two0000001');
      await subject.proxy.apply({ apps: [routesOf('alpha', [one], ['shop.test']), routesOf('beta', [two], [])] });
      assert.equal(await subject.request('shop.test'), 'one0000001');
    });

    test('a removed instance keeps its open requests until it is forgotten', async () => {
      await using subject = await open();
      const one = await subject.backend('one0000001');
      const two = await subject.backend('two0000001');
      await subject.proxy.ensureRunning();
      await subject.proxy.apply({ apps: [routesOf('alpha', [one])] });
      const held = await subject.hold('alpha.test');
      await subject.proxy.apply({ apps: [routesOf('alpha', [two])] });
      assert.equal(await subject.proxy.inFlight('one0000001'), 1);
      await subject.proxy.forget('one0000001');
      await held.ended;
      await eventually('nothing open', async () => (await subject.proxy.inFlight('one0000001')) === 0);
      assert.equal(await subject.request('alpha.test'), 'two0000001');
    });

    test('an app in maintenance answers 503, its open requests continue, and the end brings the instance back', async () => {
      await using subject = await open();
      const one = await subject.backend('one0000001');
      await subject.proxy.ensureRunning();
      const routes = { ...routesOf('alpha', [one]), appId: 'app00001' as AppId };
      await subject.proxy.apply({ apps: [routes] });
      await subject.hold('alpha.test');
      for (const page of [undefined, `<h1>${'x'.repeat(1000)}</h1>`]) {
        await subject.proxy.apply({ apps: [{ ...routes, maintenance: { page } }] });
        assert.equal(await subject.request('alpha.test'), 503);
        assert.equal(await subject.proxy.inFlight('one0000001'), 1);
      }
      await subject.proxy.apply({ apps: [routes] });
      assert.equal(await subject.request('alpha.test'), 'one0000001');
    });

    test('an app with another name keeps its instance and its open requests', async () => {
      await using subject = await open();
      const one = await subject.backend('one0000001');
      await subject.proxy.ensureRunning();
      const alpha = { ...routesOf('alpha', [one], ['alpha.test', 'www.shop.test']), appId: 'app00001' as AppId };
      await subject.proxy.apply({ apps: [alpha] });
      await subject.hold('alpha.test');
      await subject.proxy.apply({
        apps: [{ ...alpha, app: 'store' as AppName, hostnames: ['store.test', 'www.shop.test'] }],
      });
      assert.equal(await subject.request('store.test'), 'one0000001');
      assert.equal(await subject.request('www.shop.test'), 'one0000001');
      assert.equal(await subject.request('alpha.test'), 404);
      assert.equal(await subject.proxy.inFlight('one0000001'), 1);
    });

    test('an instance it has never heard of has nothing in flight, and forgetting it changes nothing', async () => {
      await using subject = await open();
      await subject.proxy.ensureRunning();
      assert.equal(await subject.proxy.inFlight('nobody0001'), 0);
      await subject.proxy.forget('nobody0001');
    });

    test('every verb may be repeated', async () => {
      await using subject = await open();
      const one = await subject.backend('one0000001');
      await subject.proxy.ensureRunning();
      await subject.proxy.ensureRunning();
      const routes = [routesOf('alpha', [one])];
      await subject.proxy.apply({ apps: routes });
      await subject.proxy.apply({ apps: routes });
      assert.equal(await subject.request('alpha.test'), 'one0000001');
      await subject.proxy.stop();
      await subject.proxy.stop();
      assert.equal(await subject.proxy.healthy(), false);
    });

    test('routes that are applied while it is down give an error, and are active when it runs', async () => {
      await using subject = await open();
      const one = await subject.backend('one0000001');
      await assert.rejects(
        subject.proxy.apply({ apps: [routesOf('alpha', [one])] }),
        (error) => error instanceof SlipwayError && error.code === 'SLIP_PROXY_DOWN',
      );
      await subject.proxy.ensureRunning();
      assert.equal(await subject.proxy.healthy(), true);
      assert.equal(await subject.request('alpha.test'), 'one0000001');
    });
  });
}
