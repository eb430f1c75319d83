import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import type { FrontProxies } from '../../shared/domain/fleet-routes.ts';
import { networksOf } from '../../shared/domain/front-proxies.ts';
import { ask, openBackend, openProxyLab, routesOf, type ProxyLab, type TestBackend } from '../support/proxy-lab.ts';
import { workerPid } from '../support/proxy-worker.ts';

interface Scene extends AsyncDisposable {
  readonly lab: ProxyLab;
  apply(fronts?: Partial<FrontProxies>): Promise<void>;
}

const GET = 'GET / HTTP/1.1\r\nHost: alpha.test\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n';
const CLAIMS = {
  'x-forwarded-for': '198.51.100.4',
  'x-forwarded-proto': 'https',
  'x-forwarded-port': '8443',
  forwarded: 'for=198.51.100.4;proto=https',
};

/** The app alpha answers with the headers that it got. */
async function openScene(): Promise<Scene> {
  const lab = await openProxyLab();
  const backend: TestBackend = await openBackend('one0000001', (request, response) =>
    response.end(JSON.stringify(request.headers)),
  );
  const apply: Scene['apply'] = async ({ trusted = [], proxyProtocol = [] } = {}) => {
    await lab.proxy.apply({ apps: [routesOf('alpha', [backend])], fronts: { trusted, proxyProtocol } });
  };
  await lab.proxy.ensureRunning();
  await apply();
  const close = async (): Promise<void> => {
    await lab[Symbol.asyncDispose]();
    await backend[Symbol.asyncDispose]();
  };
  return { lab, apply, [Symbol.asyncDispose]: close };
}

/** What the app gets of the claims of a client. */
async function claims({ lab }: Scene): Promise<readonly (string | undefined)[]> {
  const { body } = await ask(lab.port, 'alpha.test', { headers: CLAIMS });
  const got = JSON.parse(body) as Record<string, string>;
  return [got['x-forwarded-for'], got['x-forwarded-proto'], got['x-forwarded-port'], got['forwarded']];
}

/** Everything that the proxy answers to these bytes. */
async function talk({ lab }: Scene, bytes: string | Buffer): Promise<string> {
  const socket = connect(lab.port, '127.0.0.1');
  socket.on('error', () => undefined);
  let reply = '';
  socket.on('data', (chunk: Buffer) => (reply += chunk.toString()));
  socket.write(bytes);
  await new Promise((resolve) => socket.once('close', resolve));
  return reply;
}

/** A PROXY protocol header of version 2 for a TCP connection over IPv6. */
function proxyV2(source: readonly number[]): Buffer {
  const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
  const addresses = Buffer.concat([Buffer.from(source), Buffer.alloc(16, 1), Buffer.from([0x15, 0xb3, 0x00, 0x50])]);
  const head = Buffer.from([0x21, 0x21, 0, addresses.length]);
  return Buffer.concat([signature, head, addresses]);
}

describe('the front proxies of the fleet through a real haproxy', () => {
  test('their headers count as soon as they are in the routes, and not after that; nothing is reloaded', async () => {
    await using scene = await openScene();
    const before = await workerPid(scene.lab);
    const stranger = ['127.0.0.1', 'http', String(scene.lab.port), undefined];
    assert.deepEqual(await claims(scene), stranger);
    await scene.apply({ trusted: networksOf(['127.0.0.0/8', 'cloudflare']) });
    const kept = ['198.51.100.4, 127.0.0.1', 'https', '8443', 'for=198.51.100.4;proto=https'];
    assert.deepEqual(await claims(scene), kept);
    await scene.apply({ trusted: networksOf(['cloudflare']) });
    assert.deepEqual(await claims(scene), stranger);
    await scene.apply({ trusted: ['127.0.0.1', 'fd00::/8'] });
    assert.deepEqual(await claims(scene), kept);
    await scene.lab.reopen().ensureRunning();
    assert.deepEqual(await claims(scene), kept, 'a restarted agent, before its first routes');
    await scene.apply();
    assert.deepEqual(await claims(scene), stranger);
    assert.equal(await workerPid(scene.lab), before);
  });

  test('a load balancer with the PROXY protocol tells the client in both versions; its headers are the words of clients', async () => {
    await using scene = await openScene();
    await scene.apply({ trusted: ['10.0.0.0/8'], proxyProtocol: ['127.0.0.1'] });
    const v1 = await talk(scene, `PROXY TCP4 203.0.113.9 192.0.2.1 5555 80\r\n${GET}`);
    assert.match(v1, /"x-forwarded-for":"203\.0\.113\.9"/);
    assert.match(v1, /"x-forwarded-proto":"http"/);
    const address = [0x20, 0x01, 0x0d, 0xb8, ...Array.from({ length: 11 }, () => 0), 9];
    const v2 = await talk(scene, Buffer.concat([proxyV2(address), Buffer.from(GET)]));
    assert.match(v2, /"x-forwarded-for":"2001:db8::9"/);
    const behind = await talk(scene, `PROXY TCP4 10.0.0.7 192.0.2.1 5555 80\r\n${GET}`);
    assert.match(behind, /"x-forwarded-proto":"https"/, 'a trusted front behind the load balancer');
    assert.equal(await talk(scene, GET), '', 'a load balancer that does not send the header');
    await scene.apply({ proxyProtocol: ['192.0.2.0/24'] });
    assert.match(await talk(scene, `PROXY TCP4 203.0.113.9 192.0.2.1 5555 80\r\n${GET}`), /^HTTP\/1\.1 400 /);
    assert.match(await talk(scene, GET), /"x-forwarded-for":"127\.0\.0\.1"/);
  });
});
