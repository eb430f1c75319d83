import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { helloApp } from '../support/fleet-user.ts';
import { Load, type Seen } from '../support/load.ts';
import { ServerFleet } from '../support/server-fleet.ts';
import type { Server } from '../support/servers/server.ts';

const MINUTE_MS = 60_000;
const AWAY_MINUTES = Number(process.env['SLIPWAY_SOAK_MINUTES'] ?? 60);
/** Of the hour; each part ends with quiet minutes. */
const PARTS = 6;
const RATE_PER_S = 5;
/** A part of the hour, in requests: the load is steady, whatever the answers. */
const REQUESTS_A_PART = (AWAY_MINUTES * 60 * RATE_PER_S) / PARTS;
const PART_LIMIT_MS = 2 * AWAY_MINUTES * MINUTE_MS;
const SERVING_LIMIT_MS = 15_000;

describe(`a fleet whose controller is gone for ${String(AWAY_MINUTES)} minutes`, { concurrency: false }, () => {
  let fleet: ServerFleet;
  let away: Server;
  let homes: readonly Server[];
  let goneAtMs: number;

  before(async () => {
    fleet = await ServerFleet.start(['fra-1', 'fra-2', 'ams-1'], {
      controller: { rollout: { settleMs: 500, bakeMs: 0 } },
    });
    await fleet.joinAll();
    const pushed = await (await fleet.fleet.me.repository('hello', helloApp('1'))).push('hello');
    assert.ok(pushed.ok, `${pushed.text}\n${await fleet.report()}`);
    await fleet.fleet.slipway('ps:scale', 'web=2', '-a', 'hello');
    const live = async (): Promise<boolean> =>
      (await fleet.instances('hello')).filter(({ state }) => state === 'live').length === 2;
    await eventually('two run', live);
    const at = new Set((await fleet.instances('hello')).map(({ node }) => node));
    homes = fleet.servers.list.filter(({ name }) => at.has(name));
    [away] = fleet.servers.list.filter(({ name }) => !at.has(name)) as [Server];
    await fleet.answer(away, 'hello');
  });
  after(() => fleet.stop());

  const minutesGone = (): string => ((performance.now() - goneAtMs) / MINUTE_MS).toFixed(1);
  const say = (what: string): void => console.log(`    ${minutesGone()} min: ${what}`);

  /** Boot nonces of both instances, seen from the server without one. */
  async function lives(): Promise<ReadonlySet<string>> {
    const seen = new Set<string>();
    for (let count = 0; count < 20; count += 1) seen.add(await fleet.answer(away, 'hello'));
    return seen;
  }

  const untilSeen = (load: Load, requests: number): Promise<void> =>
    load.until(({ bodies, failures }) => bodies.length + failures.length >= requests, PART_LIMIT_MS);

  /** Does something to the fleet, then leaves it alone for the rest of its part of the hour. */
  async function part(what: string, work: (load: Load) => Promise<void>): Promise<Seen> {
    const load = await Load.at({ address: away.address, port: 80, host: 'hello.localhost' }, RATE_PER_S);
    try {
      await work(load);
      await untilSeen(load, REQUESTS_A_PART);
    } finally {
      await load.stop();
    }
    const seen = await load.stop();
    say(`${what}: ${String(seen.bodies.length)} requests, ${String(seen.failures.length)} failed`);
    return seen;
  }

  async function servesAfterBoot(server: Server): Promise<void> {
    await fleet.answer(server, 'hello');
    say(`${server.name} serves ${(server.upMs / 1000).toFixed(1)} s after its boot`);
    assert.ok(server.upMs < SERVING_LIMIT_MS);
  }

  it('serves on with every agent killed, and nothing is restarted', async () => {
    const before = await lives();
    await fleet.fleet.endController();
    goneAtMs = performance.now();
    const seen = await part('agents killed', async () => {
      for (const server of fleet.servers.list) await server.sh('systemctl kill --signal=KILL slipway-agent.service');
    });
    assert.deepEqual([seen.failures, await lives()], [[], before]);
  });

  it('serves on while a server with an instance is rebooted, and that one is back in time', async () => {
    const [home] = homes as [Server];
    const seen = await part(`${home.name} rebooted`, async () => {
      const rebooted = home.reboot();
      const off = async (): Promise<boolean> => (await fleet.get(home, 'hello').catch(() => undefined)) === undefined;
      await eventually('it went down', off);
      await servesAfterBoot(home);
      await rebooted;
    });
    assert.deepEqual(seen.failures, []);
  });

  it('starts an app that dies again, wherever it runs', async () => {
    const before = await lives();
    const seen = await part('the app of one server killed', async () => {
      const [, home] = homes as [Server, Server];
      await home.sh("pkill -KILL -f '^node server.js'");
      const restarted = async (): Promise<boolean> =>
        [...(await lives())].filter((life) => !before.has(life)).length === 1;
      await eventually('it has a new life', restarted);
    });
    // A request that the process had taken when it died.
    assert.ok(seen.failures.length <= 1, seen.failures.join());
  });

  it('comes through a power cut', async () => {
    const [, home] = homes as [Server, Server];
    const seen = await part(`power of ${home.name} cut`, async () => {
      await home.kill();
      const booted = home.boot();
      await servesAfterBoot(home);
      await booted;
    });
    // Requests that were on the machine when its power went.
    assert.ok(seen.failures.length <= RATE_PER_S, seen.failures.join());
  });

  it('puts back what is taken from the host', async () => {
    const seen = await part('bridge and rules deleted', async () => {
      const [home] = homes as [Server];
      await home.sh('nft delete table inet slipway; ip link del slip0');
      const healed = async (): Promise<boolean> => (await lives()).size === 2;
      await eventually('both serve again', healed);
    });
    say(`${String(seen.failures.length)} failed while there was no bridge`);
  });

  it('restarts nothing when the controller is back, and knows at once how everything is', async () => {
    const seen = await part('left alone, then the controller came back', async (load) => {
      await untilSeen(load, REQUESTS_A_PART - 5 * RATE_PER_S);
      const before = await lives();
      await fleet.fleet.startController();
      for (const server of fleet.servers.list) await fleet.untilConnected(server);
      const live = async (): Promise<boolean> =>
        (await fleet.instances('hello')).filter(({ state }) => state === 'live').length === 2;
      await eventually('both are known', live);
      assert.deepEqual(await lives(), before);
    });
    assert.deepEqual(seen.failures, []);
    const status = await fleet.fleet.slipway('status');
    console.log(status.replace(/^(?=.)/gm, '    '));
    assert.match(status, /^All is well\./);
    const lines = (await fleet.fleet.slipway('logs', '-a', 'hello', '-n', '1500'))
      .split('\n')
      .filter((line) => line !== '');
    say(`${String(lines.length)} lines of log, the first: ${lines[0] ?? ''}`);
    assert.ok(lines.length > 100);
  });
});
