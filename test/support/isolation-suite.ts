import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { InstanceBody } from '../../shared/api/formation.ts';
import { desiredState } from '../../shared/rpc/schemas.ts';
import type { Assignment } from '../../shared/domain/assignment.ts';
import { answers } from '../../agent/health/gate.ts';
import { parseCidr } from '../../agent/sandbox/config.ts';
import { gatewayAddress } from '../../agent/sandbox/network/plan.ts';
import { eventually } from './eventually.ts';
import { PRODUCT_DIR, TestFleet } from './fleet.ts';
import { makeProbeApp } from './probe-app.ts';

const BRIDGE_NF = '/proc/sys/net/bridge/bridge-nf-call-iptables';
const MB = 1024 * 1024;

/** Two apps of two owners, deployed by `git push`. Each tries to leave its sandbox. */
export function isolationSuite(sandbox: 'lxc' | 'nspawn'): void {
  describe(`isolation of pushed apps, ${sandbox}`, { concurrency: false }, () => {
    let fleet: TestFleet;
    let hostService: Server;
    before(async () => {
      hostService = createServer((socket) => socket.end('host\n')).listen(0, '0.0.0.0');
      await once(hostService, 'listening');
      // servers listen on every address, so that only the sandbox keeps apps out
      fleet = await TestFleet.start({
        sandbox,
        listenHost: '0.0.0.0',
        controller: { rollout: { settleMs: 200, bakeMs: 200 } },
      });
      await fleet.endAgent('SIGTERM');
      await fleet.startAgent({ AGENT_SECRET: 'of the agent' });
      await pushBoth(fleet);
    });
    after(async () => {
      hostService.close();
      await fleet.stop();
    });

    const ask = async (app: string, path: string, query: Readonly<Record<string, string>> = {}): Promise<string> => {
      const { status, body } = await fleet.site.get(app, `${path}?${new URLSearchParams(query).toString()}`);
      assert.equal(status, 200, body);
      return body;
    };
    const reach = (host: string, port: number, timeoutMs = 30_000): Promise<string> =>
      ask('alpha', '/connect', { host, port: String(port), timeout: String(timeoutMs) });

    it('shows a process only the processes of its sandbox, all of the app user', async () => {
      const lines = (await ask('alpha', '/ps')).trim().split('\n');
      const seen = lines.map((line) => /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line)?.slice(1) ?? []);
      assert.ok(
        seen.some(([, user, args]) => user === 'app' && args === 'node server.js'),
        lines.join('\n'),
      );
      const kin =
        /^(node server\.js|ps -eo|bash -c|\/bin\/sh \/run\/slipway|\/bin\/bash \/run\/slipway|.*init|\(?sd-stubinit\)?)/;
      assert.deepEqual(
        seen.filter(([, , args = '']) => !kin.test(args)),
        [],
        lines.join('\n'),
      );
    });

    it('is not root, has no capability and cannot get one', async () => {
      assert.match(await ask('alpha', '/id'), /^uid=1000\(app\) gid=1000\(app\)/);
      const status = await ask('alpha', '/status');
      assert.match(status, /^CapEff:\s+0+$/m);
      assert.match(status, /^CapBnd:\s+0+$/m);
      assert.match(status, /^NoNewPrivs:\s+1$/m);
    });

    it('finds nothing of this machine: agent, controller, root, accounts', async () => {
      const paths = [
        ...['desired.json', 'node.pem', 'agent.json', 'sandbox'].map((name) => join(fleet.dir, 'agent', name)),
        ...['slipway.db', 'ca'].map((name) => join(fleet.dir, 'controller', name)),
        ...[
          join(fleet.dir, 'cli.json'),
          PRODUCT_DIR,
          '/etc/shadow',
          '/etc/ssh',
          '/root/.ssh',
          '/root/.bashrc',
          '/var/lib/systemd',
          '/var/log',
        ],
      ];
      for (const path of paths) {
        assert.equal(await ask('alpha', '/look', { path }), 'ENOENT', path);
        assert.match(await ask('alpha', '/look', { path: `/proc/1/root${path}` }), /^(ENOENT|EACCES)$/, path);
      }
      // The packages of this machine, for apt in builds.
      assert.equal(await ask('alpha', '/look', { path: '/var/lib' }), '["dpkg"]');
      for (const path of ['/root', '/home', '/srv', '/mnt'])
        assert.match(await ask('alpha', '/look', { path }), /^(\[\]|ENOENT|EACCES)$/, path);
    });

    it('reaches no port of this machine on any address', async () => {
      const address = hostService.address();
      const service = typeof address === 'object' && address !== null ? address.port : 0;
      const ports = [service, fleet.ports.api, fleet.ports.agents, fleet.ports.ssh];
      const hosts = [gatewayOf(fleet), ...ownAddresses()];
      await eventually('this machine itself reaches it', () => answers(hosts[0] ?? '', fleet.ports.api));
      for (const host of hosts)
        for (const port of ports) assert.equal(await reach(host, port), 'ECONNREFUSED', `${host}:${String(port)}`);
      for (const port of ports) assert.equal(await reach('127.0.0.1', port), 'ECONNREFUSED');
    });

    for (const setting of ['0', '1']) {
      it(`reaches no other app with bridge-nf-call-iptables at ${setting}`, async (t) => {
        if (!existsSync(BRIDGE_NF) && setting === '1') {
          t.skip('br_netfilter is not loaded');
          return;
        }
        const before = existsSync(BRIDGE_NF) ? readFileSync(BRIDGE_NF, 'utf8') : undefined;
        if (before !== undefined) writeFileSync(BRIDGE_NF, setting);
        try {
          const other = addressOf(fleet, 'beta');
          await eventually('this machine itself reaches it', () => answers(other, 5000));
          assert.notEqual(await reach(other, 5000, 4_000), 'open');
          assert.equal(await reach(addressOf(fleet, 'alpha'), 5000), 'open', 'an app reaches itself');
        } finally {
          if (before !== undefined) writeFileSync(BRIDGE_NF, before);
        }
      });
    }

    it('cannot reach cloud metadata and private networks', async () => {
      const closed = ['169.254.169.254', '100.100.100.200', '10.0.0.1', '172.16.0.1', '192.168.0.1', '192.168.1.1'];
      for (const host of closed) assert.equal(await reach(host, 80), 'ECONNREFUSED', host);
    });

    it('has its own config in its environment, and no secret of another or of the agent', async () => {
      const [alpha, beta] = await Promise.all(
        ['alpha', 'beta'].map(async (app) => JSON.parse(await ask(app, '/env')) as Record<string, string>),
      );
      assert.deepEqual([alpha?.['OWN'], beta?.['OWN']], ['of alpha', 'of beta']);
      for (const [app, other] of [
        [alpha, 'beta'],
        [beta, 'alpha'],
      ] as const) {
        const text = JSON.stringify(app);
        for (const foreign of [`of ${other}`, 'of the agent', fleet.dir, PRODUCT_DIR, 'NODE_CHANNEL_FD'])
          assert.ok(!text.includes(foreign), text);
      }
    });

    it('cannot write more bytes or files than its disk limit', async () => {
      const [taken = '', rest] = (await ask('alpha', '/fill-bytes', { dir: '/app' })).split(' ');
      assert.equal(rest, 'ENOSPC');
      assert.ok(Number(taken) > 900 * MB && Number(taken) <= 1100 * MB, taken);
      const filled = await eventually('no more file fits', async () => {
        const said = await ask('alpha', '/fill-inodes', { dir: '/tmp' });
        return said === 'busy' ? undefined : said;
      });
      const [files = '', why] = filled.split(' ');
      assert.equal(why, 'ENOSPC');
      assert.ok(Number(files) > 90_000 && Number(files) <= 101_000, files);
      assert.equal(await ask('alpha', '/write', { path: '/app/after', text: 'well again' }), 'well again');
      assert.equal(await ask('alpha', '/write', { path: '/usr/mine', text: '' }), 'EROFS');
      assert.equal(await ask('alpha', '/write', { path: '/etc/mine', text: '' }), 'EROFS');
    });

    it('shares layers between two owners, and each owns its files and may change them', async () => {
      const [alpha, beta] = [assignmentOf(fleet, 'alpha'), assignmentOf(fleet, 'beta')];
      assert.notEqual(alpha.uidBase, beta.uidBase);
      for (const layer of ['runtime', 'dependencies']) {
        const [one, two] = [alpha, beta].map((slug) => slug.layers.find(({ name }) => name === layer)?.digest);
        assert.ok(one !== undefined, layer);
        assert.equal(one, two, layer);
      }
      const noise = '/app/node_modules/ballast/package.json';
      for (const app of ['alpha', 'beta']) {
        assert.equal(await ask(app, '/owner', { path: noise }), '1000');
        assert.equal(await ask(app, '/write', { path: noise, text: `changed by ${app}` }), `changed by ${app}`);
        assert.equal(await ask(app, '/write', { path: '/app/server.js.new', text: app }), app);
      }
      assert.equal(await ask('alpha', '/look', { path: noise }), 'changed by alpha');
    });

    it('is killed when it uses more memory than its limit, and ps and logs say so', async () => {
      await fleet.site.get('alpha', '/eat').catch(() => undefined);
      const instance = await eventually('the crash is reported', async () => {
        const [web] = (await fleet.api('GET', '/apps/alpha/ps')) as InstanceBody[];
        return web?.lastExit?.oomKilled === true ? web : undefined;
      });
      assert.equal(instance.lastExit?.signal, 'SIGKILL');
      await eventually(
        'it is back',
        async () => (await fleet.site.get('alpha').catch(() => undefined))?.status === 200,
      );
      // The proxy knows that it is back a moment before the controller.
      await eventually('ps says why', async () =>
        /restarted once \(ran out of memory \d+ (s|min) ago\)/.test(await fleet.slipway('ps', '-a', 'alpha')),
      );
      assert.match(
        await fleet.pastLogs('-a', 'alpha'),
        /web\.1 was killed: it used more memory than its limit of 512 MB/,
      );
      assert.match(await ask('beta', '/'), /^nonce=/);
    });
  });
}

async function pushBoth(fleet: TestFleet): Promise<void> {
  const probe = await makeProbeApp();
  const owners = { alpha: fleet.me, beta: await fleet.addUser('ada') };
  for (const [app, owner] of Object.entries(owners)) {
    const repository = await owner.repository(app, probe.files);
    await probe.addBallast(repository.dir);
    await repository.commit({});
    const pushed = await repository.push(app);
    assert.ok(pushed.ok, `${pushed.text}\n${fleet.logs()}`);
    await fleet.api('PATCH', `/apps/${app}/config`, { OWN: `of ${app}` });
  }
  const set = async (app: string): Promise<boolean> => (await fleet.site.get(app, '/env')).body.includes(`of ${app}`);
  await eventually('the configs are live', async () => (await set('alpha')) && (await set('beta')));
}

function assignmentOf(fleet: TestFleet, app: string): Assignment {
  const { state } = JSON.parse(readFileSync(join(fleet.dir, 'agent', 'desired.json'), 'utf8')) as { state: unknown };
  const found = desiredState.parse(state).assignments.find((one) => one.app === app && one.desired === 'run');
  assert.ok(found !== undefined);
  return found;
}

/** Address of the app's instance on the bridge. */
function addressOf(fleet: TestFleet, app: string): string {
  const record = join(fleet.dir, 'agent', 'sandbox', 'sandboxes', assignmentOf(fleet, app).instanceId, 'record.json');
  return (JSON.parse(readFileSync(record, 'utf8')) as { address: string }).address;
}

function gatewayOf(fleet: TestFleet): string {
  const { network } = JSON.parse(readFileSync(join(fleet.dir, 'agent.json'), 'utf8')) as {
    network: { subnet: string };
  };
  return gatewayAddress(parseCidr(network.subnet));
}

function ownAddresses(): string[] {
  const entries = Object.values(networkInterfaces()).flat();
  return entries.flatMap((entry) => (entry?.family === 'IPv4' && !entry.internal ? [entry.address] : [])).slice(0, 3);
}
