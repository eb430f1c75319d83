import assert from 'node:assert/strict';
import { copyFile, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:https';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { EdgeCertificate } from '../../agent/certificates/port.ts';
import { createHaproxy } from '../../agent/proxy/haproxy/haproxy.ts';
import type { Proxy } from '../../agent/proxy/port.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import { run } from '../../shared/kit/exec.ts';
import { silentLogger } from '../../shared/kit/log.ts';
import { makeEdgeCa, type EdgeCa } from '../support/edge-certificates.ts';
import { eventually } from '../support/eventually.ts';
import { ask, freePort, openBackend, openProxyLab, routesOf, type ProxyLab } from '../support/proxy-lab.ts';
import { workerPid } from '../support/proxy-worker.ts';
import { askHttp2, askTls, shownFingerprint } from '../support/tls-client.ts';

/** `SLIPWAY_RENEWALS=500` for the full proof. */
const RENEWALS = Number(process.env['SLIPWAY_RENEWALS'] ?? '60');
const NAMES = Array.from({ length: 10 }, (_, index) => `n${String(index)}.test`);
const idOf = (name: string): string => `crt_${name.replace('.test', '')}`;

interface Scene extends AsyncDisposable {
  readonly lab: ProxyLab;
  readonly tlsPort: number;
  readonly ca: EdgeCa;
  readonly config: Parameters<typeof createHaproxy>[0];
  issue(name: string): Promise<EdgeCertificate>;
  /** Gives the proxy these certificates, and waits until it has them. */
  apply(certificates: readonly EdgeCertificate[], proxy?: Proxy): Promise<void>;
}

/** One app with all names. */
async function openScene(): Promise<Scene> {
  const tlsPort = await freePort();
  const lab = await openProxyLab({ tlsBinds: [{ address: '127.0.0.1', port: tlsPort }] });
  const { stateDir, port } = lab;
  const binds = [{ address: '127.0.0.1', port }];
  const config = { stateDir, binds, poolSize: 8, tlsBinds: [{ address: '127.0.0.1', port: tlsPort }] };
  const backend = await openBackend('one0000001');
  const ca = await makeEdgeCa();
  const close = async (): Promise<void> => {
    await lab[Symbol.asyncDispose]();
    await backend[Symbol.asyncDispose]();
  };
  return {
    ...{ lab, tlsPort, ca, config },
    issue: (name) => ca.issue(stateDir, idOf(name), [name]),
    apply: async (certificates, proxy = lab.proxy) => {
      await proxy.apply({ apps: [routesOf('alpha', [backend], [...NAMES, 'plain.test'])], certificates });
      assert.deepEqual(await proxy.unservedCertificates(), []);
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Requests in a loop until `stop`, each with a verified certificate: new connections, one kept connection, one over HTTP/2. */
function openLoad({ tlsPort, ca }: Scene): { stop(): Promise<{ done: number; failures: string[] }> } {
  const failures: string[] = [];
  let [done, isOver, turn] = [0, false, 0];
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  const openSession = (): ClientHttp2Session => {
    const opened = connectHttp2(`https://127.0.0.1:${String(tlsPort)}`, { servername: 'n0.test', ca: ca.pem });
    return opened.on('error', (error: Error) => failures.push(`session: ${error.message}`));
  };
  let session = openSession();
  const loop = async (one: () => Promise<number>): Promise<void> => {
    while (!isOver) {
      const status = await one().catch((error: unknown) => String(error));
      if (status === 200) done += 1;
      else failures.push(String(status));
    }
  };
  const fresh = async (): Promise<number> => {
    turn += 1;
    const name = NAMES[turn % NAMES.length] ?? '';
    return (await (turn % 2 === 0 ? askTls : askHttp2)(tlsPort, name, { ca: ca.pem })).status;
  };
  const onKept = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: tlsPort, servername: 'n1.test', ca: ca.pem, agent: kept };
      get({ ...options, headers: { host: 'n1.test' } }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      }).on('error', reject);
    });
  const overHttp2 = (): Promise<number> =>
    new Promise((resolve, reject) => {
      // A reload ends the session in an orderly way, and browsers open another one.
      if (session.closed || session.destroyed) session = openSession();
      const stream = session.request({ ':path': '/', ':authority': 'n0.test' });
      let status = 0;
      stream.on('response', (headers) => (status = headers[':status'] ?? 0));
      stream.on('error', reject);
      stream.resume().on('end', () => resolve(status));
    });
  const loops = [fresh, fresh, onKept, overHttp2].map(loop);
  return {
    stop: async () => {
      isOver = true;
      await Promise.all(loops);
      kept.destroy();
      session.destroy();
      return { done, failures };
    },
  };
}

describe('certificates of a running haproxy', () => {
  test('renewals, new names and removals under load fail no request, show no wrong certificate and cost no reload', async () => {
    await using scene = await openScene();
    const { lab, tlsPort } = scene;
    const current = new Map<string, EdgeCertificate>();
    for (const name of NAMES) current.set(name, await scene.issue(name));
    await lab.proxy.ensureRunning();
    await scene.apply([...current.values()]);
    const worker = await workerPid(lab);
    const load = openLoad(scene);
    for (let renewed = 0; renewed < RENEWALS; renewed += NAMES.length) {
      for (const name of NAMES) current.set(name, await scene.issue(name));
      const extra = await scene.ca.issue(lab.stateDir, `crt_extra${String(renewed)}`, [`x${String(renewed)}.test`]);
      await scene.apply([...current.values(), extra]);
    }
    await scene.apply([...current.values()]);
    const { done, failures } = await load.stop();
    assert.deepEqual(failures, []);
    assert.ok(done > 0);
    for (const [name, { fingerprint }] of current) assert.equal(await shownFingerprint(tlsPort, name), fingerprint);
    assert.equal(await workerPid(lab), worker, 'no reload');
    const list = await readFile(join(lab.stateDir, 'certificates.list'), 'utf8');
    assert.equal(list.split('\n').filter((line) => line.includes('extra')).length, 0);
    await assert.rejects(stat(join(lab.stateDir, 'certificates', 'crt_extra0.pem')));
  });

  test('an agent that is killed between `set` and `commit` never shows a certificate for another name', async () => {
    await using scene = await openScene();
    const { lab, tlsPort, config } = scene;
    const [first, second] = [await scene.issue('n0.test'), await scene.issue('n1.test')];
    await lab.proxy.ensureRunning();
    await scene.apply([first, second]);
    const deps = { run, clock: systemClock, logger: silentLogger, systemd: false };
    const failpoint = async (name: string): Promise<void> => {
      if (name === 'proxy.certificate_staged') throw new Error('killed');
    };
    const killed = createHaproxy(config, { ...deps, failpoint });
    const renewed = [await scene.issue('n0.test'), second] as const;
    await killed.apply({ apps: [], certificates: renewed });
    assert.match((await killed.unservedCertificates())[0]?.reason ?? '', /did not take/);
    assert.equal(await shownFingerprint(tlsPort, 'n0.test'), first.fingerprint);
    const next = lab.reopen();
    const others = [first, await scene.issue('n1.test')] as const;
    await scene.apply([renewed[0], others[1]], next);
    assert.equal(await shownFingerprint(tlsPort, 'n0.test'), renewed[0].fingerprint);
    assert.equal(await shownFingerprint(tlsPort, 'n1.test'), others[1].fingerprint);
  });

  test('a bad file is not served and said so, the former certificate stays, and routes change all the same', async () => {
    await using scene = await openScene();
    const { lab, tlsPort } = scene;
    const good = await scene.issue('n0.test');
    await lab.proxy.ensureRunning();
    await scene.apply([good]);
    const bad = await scene.ca.issue(lab.stateDir, idOf('n0.test'), ['n0.test'], { otherKey: true });
    const weak = await scene.ca.issue(lab.stateDir, idOf('n1.test'), ['n1.test'], { rsaBits: 1024 });
    await using other = await openBackend('two0000001');
    await lab.proxy.apply({ apps: [routesOf('beta', [other], ['n0.test'])], certificates: [bad, weak] });
    assert.deepEqual(await lab.proxy.unservedCertificates(), [
      { id: 'crt_n0', reason: 'its key is not the key of its certificate' },
      { id: 'crt_n1', reason: 'its key must be RSA with 2048 bits or more, or ECDSA' },
    ]);
    assert.equal(await shownFingerprint(tlsPort, 'n0.test'), good.fingerprint);
    assert.equal((await askTls(tlsPort, 'n0.test', { ca: scene.ca.pem })).body, other.id);
  });

  test('commands in a file never reach haproxy', async () => {
    await using scene = await openScene();
    const { lab, tlsPort } = scene;
    await lab.proxy.ensureRunning();
    const evil = await scene.issue('n0.test');
    const text = await readFile(evil.pemFile, 'utf8');
    await writeFile(
      evil.pemFile,
      `${text}\n\nset server pool_0001/pool_0001_s1 state maint\n${text}`.replace(
        /(-----END PRIVATE KEY-----)[^]*$/,
        '$1\n\nset server pool_0001/pool_0001_s1 state maint\n',
      ),
    );
    await scene.apply([evil]);
    assert.equal((await askTls(tlsPort, 'n0.test', { ca: scene.ca.pem })).status, 200);
  });

  test('after a reboot with a damaged file, the others are served, and the next round repairs it', async () => {
    await using scene = await openScene();
    const { lab, tlsPort } = scene;
    const [first, second] = [await scene.issue('n0.test'), await scene.issue('n1.test')];
    await lab.proxy.ensureRunning();
    await scene.apply([first, second]);
    await lab.proxy.stop();
    await truncate(join(lab.stateDir, 'certificates', 'crt_n0.pem'), 300);
    await truncate(join(lab.stateDir, 'certificates', 'fallback.pem'), 10);
    const next = lab.reopen();
    await next.ensureRunning();
    assert.equal(await shownFingerprint(tlsPort, 'n1.test'), second.fingerprint);
    assert.notEqual(await shownFingerprint(tlsPort, 'n0.test'), first.fingerprint);
    await scene.apply([first, second], next);
    assert.equal(await shownFingerprint(tlsPort, 'n0.test'), first.fingerprint);
    await copyFile(second.pemFile, join(lab.stateDir, 'certificates', 'crt_n0.pem'));
    await eventually('the file is restored', async () => {
      await next.ensureRunning();
      const text = await readFile(join(lab.stateDir, 'certificates', 'crt_n0.pem'), 'utf8');
      return text !== (await readFile(second.pemFile, 'utf8'));
    });
  });

  test('a start and a reload with 200 certificates work, and take no request away', async () => {
    await using scene = await openScene();
    const { lab, tlsPort } = scene;
    const certificates = [];
    for (let index = 0; index < 200; index += 1)
      certificates.push(await scene.ca.issue(lab.stateDir, `crt_many${String(index)}`, [`m${String(index)}.test`]));
    for (const name of NAMES) certificates.push(await scene.issue(name));
    await assert.rejects(lab.proxy.apply({ apps: [], certificates }), { code: 'SLIP_PROXY_DOWN' });
    await lab.proxy.ensureRunning();
    await scene.apply(certificates);
    const worker = await workerPid(lab);
    const load = openLoad(scene);
    const many = Array.from({ length: 12 }, (_, index) => routesOf(`app-${String(index)}`, []));
    await using backend = await openBackend('two0000001');
    await lab.proxy.apply({ apps: [routesOf('alpha', [backend], NAMES), ...many], certificates });
    const { failures } = await load.stop();
    assert.deepEqual(failures, []);
    assert.notEqual(await workerPid(lab), worker, 'the pool grew, so it was reloaded');
    assert.equal(await shownFingerprint(tlsPort, 'm199.test'), certificates[199]?.fingerprint);
    assert.equal((await ask(lab.port, 'n0.test')).body, backend.id);
  });
});
