import { once } from 'node:events';
import { request } from 'node:http';
import { createFakeProxy } from '../../agent/proxy/fake.ts';
import { ask, openBackend, openProxyLab, type TestBackend } from '../support/proxy-lab.ts';
import { describeProxy, type ProxySubject } from './proxy.ts';

async function openHaproxy(): Promise<ProxySubject> {
  const lab = await openProxyLab();
  const backends: TestBackend[] = [];
  return {
    proxy: lab.proxy,
    backend: async (id) => {
      const backend = await openBackend(id, (incoming, response) => {
        if (incoming.url === '/hold') response.writeHead(200).write('first byte');
        else response.end(id);
      });
      backends.push(backend);
      return backend;
    },
    request: async (host) => {
      const { status, body } = await ask(lab.port, host);
      return status === 200 ? body : status;
    },
    hold: async (host) => {
      const outgoing = request({ host: '127.0.0.1', port: lab.port, path: '/hold', agent: false, headers: { host } });
      outgoing.on('error', () => undefined);
      const closed = once(outgoing, 'close');
      outgoing.end();
      await once(outgoing, 'response');
      return { ended: closed.then(() => undefined) };
    },
    [Symbol.asyncDispose]: async () => {
      await lab[Symbol.asyncDispose]();
      for (const backend of backends) await backend[Symbol.asyncDispose]();
    },
  };
}

async function openFake(): Promise<ProxySubject> {
  const proxy = createFakeProxy();
  return {
    proxy,
    backend: async (id) => ({ id, instanceName: 'web.1', address: '127.0.0.1', port: 5000 }),
    request: async (host) => proxy.request(host),
    hold: async (host) => {
      proxy.setInFlight(String(proxy.request(host)), 1);
      return { ended: Promise.resolve() };
    },
    [Symbol.asyncDispose]: async () => proxy.stop(),
  };
}

describeProxy('fake', openFake);
describeProxy('haproxy', openHaproxy);
