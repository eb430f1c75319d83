import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { NameHttpsBody } from '../../../shared/api/https.ts';
import { run, runOk } from '../../../shared/kit/exec.ts';
import { eventually } from '../../support/eventually.ts';
import { TestFleet } from '../../support/fleet.ts';
import { helloApp } from '../../support/fleet-user.ts';
import { freePorts } from '../../support/free-ports.ts';
import { startPebble, type Pebble } from '../../support/pebble.ts';

const NOBODY = 65_534;
const NAME = 'shop.example.com';

describe('a domain, from nothing to HTTPS', { concurrency: false }, () => {
  let pebble: Pebble;
  let fleet: TestFleet;
  let tlsPort = 0;

  before(async () => {
    pebble = await startPebble({ lifetimeS: 90 * 24 * 60 * 60 });
    [tlsPort = 0] = await freePorts(1);
    const port = pebble.httpPort;
    fleet = await TestFleet.start({
      sandbox: 'process',
      controller: {
        rollout: { settleMs: 200, bakeMs: 200 },
        webPort: port,
        acme: { dnsServers: [pebble.dnsServer], challengePort: port },
      },
      agent: { proxy: { address: '127.0.0.1', port, tls: { port: tlsPort } } },
      ...(process.getuid?.() === 0 ? { agentUid: NOBODY } : {}),
    });
    await writeFile(join(fleet.dir, 'ca.pem'), pebble.trustedCaPem);
    await writeFile(join(fleet.dir, 'root.pem'), await pebble.root());
    const pushed = await (await fleet.me.repository('hello', helloApp('1'))).push('hello');
    assert.ok(pushed.ok, pushed.text);
  });
  after(async () => {
    await fleet.stop();
    await pebble.close();
  });

  /** As a browser that trusts only the test CA. */
  async function ask(name: string, scheme: 'http' | 'https' = 'https'): Promise<string> {
    const port = scheme === 'https' ? tlsPort : pebble.httpPort;
    const url = `${scheme}://${name}:${String(port)}/path?a=1`;
    const resolve = `${name}:${String(port)}:127.0.0.1`;
    const shown = '\n%{http_code} %{redirect_url}';
    const args = ['-sS', '--cacert', join(fleet.dir, 'root.pem'), '--resolve', resolve, '-w', shown, url];
    const { stdout, stderr } = await run({ file: 'curl', args, timeoutMs: 30_000 });
    return stdout + stderr;
  }

  const state = async (name: string): Promise<NameHttpsBody> =>
    (await fleet.api('GET', `/domains/${name}/https`)) as NameHttpsBody;

  it('says how to begin before anybody agreed to the terms of a certificate authority', async () => {
    const added = await fleet.slipway('domains:add', NAME, '-a', 'hello');
    assert.match(added, /^Added shop\.example\.com to hello\..*\n.*no administrator has agreed/);
    assert.match(added, /slipway tls:set --agree-terms/);
    await fleet.slipway('domains:remove', NAME, '-a', 'hello');
    const unread = await fleet.slipway('tls:set', '--ca', pebble.directoryUrl, '--ca-file', join(fleet.dir, 'ca.pem'));
    assert.match(unread, /not agreed to.*\n[^]*Read the terms: (?:data|https):/);
    const set = await fleet.slipway('tls:set', '--agree-terms', '--contact', 'ops@example.com');
    assert.match(set, /Terms:\s+agreed to\n[^]*Account:\s+https:/);
  });

  it('orders, delivers, and serves a certificate that a client verifies, and redirects plain requests', async () => {
    const text = await fleet.slipway('domains:add', NAME, '-a', 'hello');
    assert.match(text, /^Added shop\.example\.com to hello\./);
    assert.match(text, /Every connected node serves https:\/\/shop\.example\.com\. The certificate ends on /);
    assert.match(await ask(NAME), /\n200 $/);
    await eventually('the redirect', async () =>
      (await ask(NAME, 'http')).endsWith(`308 https://${NAME}:${String(tlsPort)}/path?a=1`),
    );
    assert.match(await fleet.slipway('certs', '-a', 'hello'), /shop\.example\.com\s+automatic, served by every node/);
    const why = await fleet.slipway('why', NAME);
    assert.match(why, /is well\.[^]*1 of 1 nodes serve it\.\n.*Plain requests are redirected/);
    assert.match(await fleet.slipway('certs:check', NAME), /every check passed/);
    assert.match(await fleet.slipway('events', '-a', 'hello'), /serves the certificate of shop\.example\.com/);
  });

  it('redirects no plain request after https:redirect off', async () => {
    assert.match(await fleet.slipway('https:redirect', 'off', '-a', 'hello'), /is off/);
    await eventually('no redirect', async () => (await ask(NAME, 'http')).endsWith('\n200 '));
    assert.match(await fleet.slipway('https:redirect', 'on', '-a', 'hello'), /is on/);
    await eventually('the redirect', async () => (await ask(NAME, 'http')).includes('\n308 '));
  });

  it('serves HTTPS without the controller, also after a start of the agent, and the redirect stays', async () => {
    await fleet.endController();
    assert.match(await ask(NAME), /\n200 $/);
    await fleet.endAgent('SIGTERM');
    await fleet.startAgentAlone();
    await eventually('HTTPS', async () => (await ask(NAME)).endsWith('\n200 '));
    await fleet.startController();
    await fleet.untilConnected();
    assert.match(await ask(NAME, 'http'), /\n308 /);
  });

  it('removes the keys at once from a node that answers no HTTPS any more, and serves again after a label', async () => {
    const { agent } = fleet.stateDirs;
    const keys = async (): Promise<readonly string[]> => {
      const own = await readdir(join(agent, 'certificates'));
      const ofProxy = await readdir(join(agent, 'proxy', 'certificates'));
      return [...own, ...ofProxy.filter((file) => file.endsWith('.pem') && file !== 'fallback.pem')];
    };
    const [node] = (await fleet.api('GET', '/nodes')) as readonly { readonly name: string }[];
    assert.ok((await keys()).length >= 2);
    const set = await fleet.slipway('edge:set', '--require', 'role=edge');
    assert.match(set, /Only nodes with role=edge[^]*No node answers HTTPS, because no node has role=edge/);
    await eventually('no keys', async () => (await keys()).length === 0);
    assert.doesNotMatch(await ask(NAME), /\n200 $/);
    assert.match(await fleet.slipway('status'), /No node answers HTTPS/);
    await fleet.slipway('nodes:label', node?.name ?? '', 'role=edge');
    await eventually('HTTPS', async () => (await ask(NAME)).endsWith('\n200 '));
    await eventually('served', async () => (await state(NAME)).everywhere);
    assert.match(await fleet.slipway('edge'), /answers HTTPS/);
    await fleet.slipway('edge:set', '--any');
  });

  for (const failpoint of ['certificateOrder.orderedDone', 'certificateOrder.finalizingDone']) {
    it(`orders one certificate when the controller is killed at ${failpoint}`, async () => {
      const name = `${failpoint.replace(/\W/g, '-').toLowerCase()}.example.com`;
      await fleet.endController();
      await fleet.startController({ SLIPWAY_FAILPOINTS: `${failpoint}=kill` });
      await fleet.untilConnected();
      await fleet.api('POST', '/apps/hello/domains', { hostname: name }).catch(() => undefined);
      await fleet.controllerGone();
      await fleet.startController();
      await eventually('HTTPS', async () => (await state(name)).state === 'serving');
      assert.match(await ask(name), /\n200 $/);
    });
  }

  it('names the address that is not a node, and asks no certificate authority', async () => {
    const name = 'elsewhere.example.com';
    await pebble.dns('add-a', { host: `${name}.`, addresses: ['127.0.0.9'] });
    const { stdout, stderr, code } = await run({
      ...fleet.slipwayCommand(['domains:add', name, '-a', 'hello']),
      timeoutMs: 120_000,
    });
    assert.equal(code, 1);
    assert.match(stdout, /^Added elsewhere/);
    assert.match(stderr, /127\.0\.0\.9/);
    assert.match(await fleet.slipway('status'), /elsewhere\.example\.com has no certificate/);
    assert.match(await fleet.slipway('why', name), /has a problem[^]*127\.0\.0\.9[^]*So the order stopped/);
  });

  it('ends the certificate with its domain', async () => {
    await fleet.slipway('domains:remove', NAME, '-a', 'hello');
    await eventually('no certificate', async () => !(await fleet.slipway('certs', '-a', 'hello')).includes(NAME));
    assert.doesNotMatch(await ask(NAME), /\n200 /);
    await runOk(run, fleet.slipwayCommand(['certs:auto', 'disable', '-a', 'hello', '--confirm', 'hello']));
    assert.match(await fleet.slipway('certs', '-a', 'hello'), /has no certificates/);
  });
});
