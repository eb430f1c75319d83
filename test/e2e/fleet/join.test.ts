import assert from 'node:assert/strict';
import { request } from 'node:https';
import { after, before, describe, it } from 'node:test';
import { makeCsr } from '../../support/csr.ts';
import { eventually } from '../../support/eventually.ts';
import { helloApp } from '../../support/fleet-user.ts';
import { ServerFleet } from '../../support/server-fleet.ts';
import type { Server } from '../../support/servers/server.ts';
import { untilSent } from '../../support/until-sent.ts';

const STATE = '/var/lib/slipway';

describe('three servers and the line that makes them nodes', { concurrency: false }, () => {
  let fleet: ServerFleet;

  before(async () => {
    fleet = await ServerFleet.start(['fra-1', 'fra-2', 'ams-1'], {
      controller: { rollout: { settleMs: 500, bakeMs: 0 } },
    });
  });
  after(() => fleet.stop());

  it('join at the same time', async () => {
    const took = await fleet.joinAll();
    console.log(
      `    joined, from the line to the session: ${took.map((ms) => `${(ms / 1000).toFixed(1)} s`).join(', ')}`,
    );
    const nodes = await fleet.nodes();
    assert.deepEqual(nodes.map(({ name }) => name).sort(), ['ams-1', 'fra-1', 'fra-2']);
    for (const server of fleet.servers.list) await server.untilStarted();
  });

  it('keep the token neither in a file or journal nor in the list of processes', async () => {
    for (const server of fleet.servers.list) {
      // what to look for comes on standard input, or this look would find itself
      const look = `cat >/run/tokens; grep -rlsf /run/tokens /etc ${STATE}/*.json /root /opt/slipway /var/log /proc/[0-9]*/cmdline; rm /run/tokens`;
      assert.equal(await server.sh(look, [], { stdin: `${fleet.tokens.join('\n')}\n` }), '');
    }
  });

  it('accept a push', async () => {
    const hello = await fleet.fleet.me.repository('hello', helloApp('1'));
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, `${pushed.text}\n${await fleet.report()}`);
    const [web] = await fleet.instances('hello');
    assert.match(await fleet.answer(fleet.servers.named(web?.node ?? ''), 'hello'), /^version=1 /);
  });

  it('give a node only its own programs', async () => {
    const [web] = await fleet.instances('hello');
    const holder = fleet.servers.named(web?.node ?? '');
    const stranger = fleet.servers.list.find((server) => server !== holder);
    const image = await holder.sh(`ls ${STATE}/images | grep -m1 -o '[0-9a-f]\\{64\\}'`);
    assert.match(await statusOf(holder, `/v1/images/sha256:${image}`), /^200$/);
    assert.match(await statusOf(stranger, `/v1/images/sha256:${image}`), /^404$/);
    assert.match(await statusOf(stranger, '/v1/apps'), /^401$/);
    assert.match(await statusOf(stranger, '/v1/nodes'), /^401$/);
  });

  /** What the API answers to a server that shows its own certificate. */
  function statusOf(server: Server | undefined, path: string): Promise<string> {
    assert.ok(server !== undefined);
    const url = `https://${fleet.servers.network.hostAddress}:${String(fleet.fleet.ports.api)}${path}`;
    const curl = `curl -s -o /dev/null -w '%{http_code}' --cacert ${STATE}/ca.crt --cert ${STATE}/node.pem "$1"`;
    return server.sh(curl, [url]);
  }

  let idle: Server;

  it('end the session of a revoked node', async () => {
    const [web] = await fleet.instances('hello');
    idle = fleet.servers.list.find(({ name }) => name !== web?.node)!;
    const startedAtMs = performance.now();
    await fleet.fleet.api('POST', `/nodes/${idle.name}/revoke`);
    const isGone = async (): Promise<boolean> =>
      (await fleet.nodes()).every(({ name, connected }) => name !== idle.name || !connected);
    await eventually('its session has ended', isGone);
    console.log(`    revoked to no session: ${(performance.now() - startedAtMs).toFixed(0)} ms`);
    assert.match(await statusOf(idle, '/v1/images/sha256:0'), /^401$/);
    const why = await fleet.fleet.slipway('why', idle.name);
    assert.match(why, new RegExp(`The certificate of ${idle.name} was revoked on .*, so the controller refuses it\\.`));
    assert.match(why, new RegExp(`Next: slipway nodes:rejoin ${idle.name}\n`));
  });

  it('let a revoked node in again by the line of nodes:rejoin', async () => {
    const printed = await fleet.fleet.slipway('nodes:rejoin', idle.name);
    const line = /^ {2}(echo slipjoin_.*)$/m.exec(printed)?.[1] ?? '';
    assert.match((await idle.exec(['sh'], { stdin: line })).stdout, new RegExp(`^Rejoined as ${idle.name}\\.`));
    await fleet.untilConnected(idle);
    assert.match(await fleet.fleet.slipway('why', idle.name), new RegExp(`^${idle.name} is well\\.`));
  });

  it('accept exactly one of a hundred machines with one token', async () => {
    const { token } = (await fleet.fleet.api('POST', '/nodes/tokens', {})) as { token: string };
    const requests = await Promise.all(Array.from({ length: 100 }, () => makeCsr({})));
    const attempts = requests.map(({ csrPem }, index) =>
      untilSent(() => attempt(index, { token, name: `ghost-${String(index)}`, csr: csrPem })),
    );
    const statuses = await Promise.all(attempts);
    const counts = new Map<number, number>();
    for (const status of statuses) counts.set(status, (counts.get(status) ?? 0) + 1);
    console.log(
      `    a hundred with one token: ${[...counts].map(([status, count]) => `${String(count)} × ${String(status)}`).join(', ')}`,
    );
    assert.equal(counts.get(201), 1);
    assert.equal((await fleet.nodes()).filter(({ name }) => name.startsWith('ghost-')).length, 1);
  });

  /** One join, from an address of its own. */
  function attempt(index: number, body: object): Promise<number> {
    const { ports, settings } = fleet.fleet;
    const options = {
      host: '127.0.0.1',
      port: ports.api,
      path: '/v1/join',
      method: 'POST',
      localAddress: `127.0.1.${String(index + 1)}`,
    };
    return new Promise((resolve, reject) => {
      const outgoing = request(
        { ...options, ca: settings.caPem, agent: false, headers: { 'content-type': 'application/json' } },
        (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
        },
      );
      outgoing.on('error', reject);
      outgoing.end(JSON.stringify(body));
    });
  }
});
