import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { startHelloServer, type ServerFleet } from '../support/server-fleet.ts';
import type { Server } from '../support/servers/server.ts';

const UNIT = 'slipway-agent.service';

function say(what: string, ms: number): void {
  console.log(`    ${what}: ${(ms / 1000).toFixed(1)} s`);
}

describe('a server without its agent, and without its controller', { concurrency: false }, () => {
  let fleet: ServerFleet;
  let server: Server;

  before(async () => {
    ({ fleet, server } = await startHelloServer());
  });
  after(() => fleet.stop());

  async function servesAgain(was: string): Promise<string> {
    try {
      // The former process may answer until it ends.
      const again = await eventually('another process answers', async () => {
        const found = await fleet.answer(server, 'hello');
        return found === was ? undefined : found;
      });
      assert.match(again, /^version=1 /);
      return again;
    } catch (error) {
      throw new Error(`${String(error)}\n${await fleet.report()}`, { cause: error });
    }
  }

  it('keeps the same processes when the agent is killed, stopped and restarted', async () => {
    const was = await fleet.answer(server, 'hello');
    await server.sh(`systemctl kill --signal=KILL ${UNIT}`);
    assert.equal(await fleet.answer(server, 'hello'), was);
    await server.sh(`systemctl stop ${UNIT}`);
    assert.equal(await fleet.answer(server, 'hello'), was);
    await server.sh(`systemctl restart ${UNIT}`);
    await fleet.untilConnected(server);
    assert.equal(await fleet.answer(server, 'hello'), was);
    assert.equal((await fleet.instances('hello')).length, 1);
    assert.equal(await server.sh("systemctl list-units --no-legend --state=active 'slipway-sandbox-*' | wc -l"), '1');
  });

  it('serves after a reboot without the controller', async () => {
    const was = await fleet.answer(server, 'hello');
    await fleet.fleet.endController();
    assert.equal(await fleet.answer(server, 'hello'), was);
    const rebooted = server.reboot();
    const again = await servesAgain(was);
    const servingMs = server.upMs;
    say('boot to serving, without controller', servingMs);
    await rebooted;
    assert.equal(await fleet.answer(server, 'hello'), again);
  });

  it('serves after a power cut', async () => {
    const was = await fleet.answer(server, 'hello');
    await server.kill();
    const booted = server.boot();
    await servesAgain(was);
    const servingMs = server.upMs;
    say('power to serving, without controller', servingMs);
    await booted;
  });

  it('restarts a crashed app and its proxy without the controller', async () => {
    const was = await fleet.answer(server, 'hello');
    await server.sh("pkill -KILL -x haproxy; pkill -KILL -f '^node server.js'");
    await servesAgain(was);
  });

  it('restarts nothing when the controller is back', async () => {
    const was = await fleet.answer(server, 'hello');
    await fleet.fleet.startController();
    await fleet.untilConnected(server);
    const isUp = async (): Promise<boolean> => (await fleet.instances('hello')).every(({ state }) => state === 'live');
    await eventually('the controller knows it as live', isUp);
    assert.equal(await fleet.answer(server, 'hello'), was);
    const [web] = await fleet.instances('hello');
    assert.equal((await fleet.instances('hello')).length, 1);
    assert.equal(web?.node, server.name);
  });
});
