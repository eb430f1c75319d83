import assert from 'node:assert/strict';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { InstanceBody } from '../../../shared/api/formation.ts';
import type { NameHttpsBody } from '../../../shared/api/https.ts';
import { run, runOk } from '../../../shared/kit/exec.ts';
import { eventually } from '../../support/eventually.ts';
import { FailpointFile } from '../../support/failpoint-file.ts';
import { FleetProgram } from '../../support/fleet-program.ts';
import { TestFleet } from '../../support/fleet.ts';
import { helloApp } from '../../support/fleet-user.ts';
import { freePorts } from '../../support/free-ports.ts';
import { freeSubnet } from '../../support/free-subnet.ts';
import { startPebble, type Pebble } from '../../support/pebble.ts';

const NOBODY = 65_534;
const NAME = 'shop.example.com';
/** The proxies of both nodes have the same ports, each on its own address. */
const [HOME, AWAY] = ['127.0.0.1', '127.0.0.2'];

describe('HTTPS on a node that does not run the app', { concurrency: false }, () => {
  const uid = process.getuid?.() === 0 ? { agentUid: NOBODY } : {};
  let pebble: Pebble;
  let fleet: TestFleet;
  let away: FleetProgram;
  let failpoints: FailpointFile;
  let [tlsPort, meshPort] = [0, 0];

  const agentAt = (address: string): object => ({
    proxy: { address, port: pebble.httpPort, tls: { port: tlsPort } },
    mesh: { port: meshPort, bind: address },
  });

  before(async () => {
    pebble = await startPebble({ lifetimeS: 90 * 24 * 60 * 60 });
    [tlsPort = 0, meshPort = 0] = await freePorts(2);
    failpoints = await FailpointFile.open();
    fleet = await TestFleet.start({
      sandbox: 'process',
      controller: {
        rollout: { settleMs: 200, bakeMs: 200 },
        webPort: pebble.httpPort,
        acme: { dnsServers: [pebble.dnsServer], challengePort: pebble.httpPort },
      },
      agent: { ...agentAt(HOME) },
      ...uid,
    });
    await writeFile(join(fleet.dir, 'ca.pem'), pebble.trustedCaPem);
    await writeFile(join(fleet.dir, 'root.pem'), await pebble.root());
    const pushed = await (await fleet.me.repository('hello', helloApp('1'))).push('hello');
    assert.ok(pushed.ok, pushed.text);
    await startAway();
    const { directoryUrl } = pebble;
    await fleet.slipway('tls:set', '--ca', directoryUrl, '--ca-file', join(fleet.dir, 'ca.pem'), '--agree-terms');
  });
  after(async () => {
    await away.end('SIGTERM');
    await runOk(run, { ...away.command('remove'), timeoutMs: 240_000 });
    await fleet.stop();
    await failpoints.remove();
    await pebble.close();
  });

  /** A second agent, which joins after the app runs on the first. */
  async function startAway(): Promise<void> {
    const dir = join(fleet.dir, 'away');
    away = new FleetProgram('agent', dir, uid.agentUid);
    const stateDir = join(dir, 'agent');
    await mkdir(stateDir, { recursive: true });
    if (uid.agentUid !== undefined) await chown(stateDir, uid.agentUid, uid.agentUid);
    const processPorts = { first: 30_000, last: 30_999 };
    const network = { name: 'slipaway', bridge: 'slipaway', subnet: freeSubnet(), processPorts };
    const settings = { ...{ stateDir, sandbox: 'process', builder: false, network }, ...agentAt(AWAY) };
    await writeFile(join(dir, 'agent.json'), JSON.stringify(settings));
    const { token } = (await fleet.api('POST', '/nodes/tokens', {})) as { token: string };
    const { pin, url } = fleet.settings;
    await runOk(run, { ...away.command('join', '--url', url, '--pin', pin, '--name', 'away'), stdin: token });
    await away.start('run', failpoints.env);
    await eventually('both nodes are well', async () => (await fleet.slipway('status')).startsWith('All is well'));
  }

  /** As a browser that trusts only the test CA, at one of the nodes. */
  async function ask(address: string, scheme: 'http' | 'https' = 'https'): Promise<string> {
    const port = String(scheme === 'https' ? tlsPort : pebble.httpPort);
    const resolve = `${NAME}:${port}:${address}`;
    const shown = '\n%{http_code} %{redirect_url}';
    const root = join(fleet.dir, 'root.pem');
    const args = ['-sS', '--cacert', root, '--resolve', resolve, '-w', shown, `${scheme}://${NAME}:${port}/path?a=1`];
    const { stdout, stderr } = await run({ file: 'curl', args, timeoutMs: 30_000 });
    return stdout + stderr;
  }

  it('domains:add waits until this node serves the certificate too, and nothing is redirected before', async () => {
    await pebble.dns('add-a', { host: `${NAME}.`, addresses: [HOME, AWAY] });
    await failpoints.killAt('certificate.fetched=throw');
    let text = '';
    const added = fleet.slipway('domains:add', NAME, '-a', 'hello').then((output) => (text = output));
    await eventually('the other node serves it', async () => (await ask(HOME)).endsWith('\n200 '));
    const state = (await fleet.api('GET', `/domains/${NAME}/https`)) as NameHttpsBody;
    assert.deepEqual([state.state, state.everywhere, text], ['delivering', false, '']);
    assert.match(await ask(HOME, 'http'), /\n200 $/);
    assert.doesNotMatch(await ask(AWAY), /\n200 /);
    await failpoints.killAt('');
    assert.match(await added, /Every connected node serves https:\/\/shop\.example\.com\./);
    assert.match(await fleet.slipway('why', NAME), /2 of 2 nodes serve it/);
  });

  it('a client gets the app and the redirect from both nodes', async () => {
    const instances = (await fleet.api('GET', '/apps/hello/ps')) as InstanceBody[];
    assert.deepEqual(
      instances.map(({ node }) => node),
      ['node-1'],
    );
    for (const address of [HOME, AWAY]) {
      assert.match(await ask(address), /^version=1 [^]*\n200 $/);
      await eventually('the redirect', async () =>
        (await ask(address, 'http')).endsWith(`\n308 https://${NAME}:${String(tlsPort)}/path?a=1`),
      );
    }
  });
});
