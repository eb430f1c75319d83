import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { helloApp, type Repository } from '../../support/fleet-user.ts';
import { Load, type Seen } from '../../support/load.ts';
import { ServerFleet } from '../../support/server-fleet.ts';
import type { Server } from '../../support/servers/server.ts';

const RATE_PER_S = 50;
/** Requests after which a cut that is known has shown that it costs none. */
const REQUESTS_AFTER_CUT = 50;

describe('requests to servers that do not run the app', { concurrency: false }, () => {
  let fleet: ServerFleet;
  let hello: Repository;

  before(async () => {
    fleet = await ServerFleet.start(['fra-1', 'fra-2', 'ams-1'], { controller: { rollout: { settleMs: 500, bakeMs: 0 } } });
    await fleet.joinAll();
    hello = await fleet.fleet.me.repository('hello', helloApp('1'));
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, `${pushed.text}\n${await fleet.report()}`);
  });
  after(() => fleet.stop());

  async function homes(): Promise<string[]> {
    const wanted = (await fleet.instances('hello')).filter(({ desired, state }) => desired === 'run' && state === 'live');
    return wanted.map(({ node }) => node).sort();
  }

  /** A server without an instance, and one with. */
  async function awayAndHome(): Promise<{ away: Server; home: Server }> {
    const at = await homes();
    const away = fleet.servers.list.find(({ name }) => !at.includes(name));
    assert.ok(away !== undefined);
    return { away, home: fleet.servers.named(at[0] ?? '') };
  }

  async function settled(count: number): Promise<string[]> {
    const look = async (): Promise<string[] | undefined> => {
      const at = await homes();
      return at.length === count && (await fleet.instances('hello')).length === count ? at : undefined;
    };
    return eventually(`${String(count)} run`, look).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${JSON.stringify(await fleet.instances('hello'))}\n${await fleet.report()}`, { cause: error });
    });
  }

  async function slipway(...args: string[]): Promise<string> {
    const printed = await fleet.fleet.slipway(...args);
    console.log(printed.replace(/^/gm, '    '));
    return printed;
  }

  /** What a steady load through a server without the app saw while something was done. */
  async function under(load: { readonly through: Server }, work: () => Promise<unknown>): Promise<Seen> {
    const running = await Load.at({ address: load.through.address, port: 80, host: 'hello.localhost' }, RATE_PER_S);
    try {
      await work();
    } finally {
      await running.stop();
    }
    return running.stop();
  }

  it('are answered by the one that does', async () => {
    const { home } = await awayAndHome();
    const body = await fleet.answer(home, 'hello');
    for (const server of fleet.servers.list) assert.equal(await fleet.answer(server, 'hello'), body);
  });

  it('do not fail while another release takes over', async () => {
    const { away } = await awayAndHome();
    await hello.commit(helloApp('2'));
    const seen = await under({ through: away }, async () => {
      const pushed = await hello.push('hello');
      assert.ok(pushed.ok, pushed.text);
    });
    console.log(`    push: ${String(seen.bodies.length)} requests, ${String(seen.failures.length)} failed`);
    assert.deepEqual(seen.failures, []);
    assert.match(await fleet.answer(away, 'hello'), /^version=2 /);
    await settled(1);
  });

  it('do not fail while the server that runs it is drained', async () => {
    const { away, home } = await awayAndHome();
    const seen = await under({ through: away }, async () => {
      await slipway('nodes:drain', home.name);
      await eventually('it has moved', async () => !(await homes()).includes(home.name));
    });
    console.log(`    drain: ${String(seen.bodies.length)} requests, ${String(seen.failures.length)} failed`);
    assert.deepEqual(seen.failures, []);
    await settled(1);
    await slipway('nodes:uncordon', home.name);
    assert.match(await fleet.answer(home, 'hello'), /^version=2 /);
  });

  it('find instances on every server when there are three, and one on each when it is all', async () => {
    await slipway('ps:scale', 'web=3', '-a', 'hello');
    assert.deepEqual(await settled(3), ['ams-1', 'fra-1', 'fra-2']);
    await slipway('ps:scale', 'web=1', '-a', 'hello');
    await settled(1);
    await slipway('ps:scale', 'web=all', '-a', 'hello');
    assert.deepEqual(await settled(3), ['ams-1', 'fra-1', 'fra-2']);
    await slipway('status');
    await slipway('ps:scale', 'web=1', '-a', 'hello');
    await settled(1);
  });

  it('are answered while a cordoned server gets nothing new', async () => {
    const { away } = await awayAndHome();
    await slipway('nodes:cordon', away.name);
    await slipway('ps:scale', 'web=2', '-a', 'hello');
    assert.ok(!(await settled(2)).includes(away.name));
    assert.match(await fleet.answer(away, 'hello'), /^version=2 /);
    await slipway('nodes:uncordon', away.name);
  });

  it('are answered by whom a server still reaches when its way to another is cut, and status says who does not reach whom', async () => {
    const { away, home } = await awayAndHome();
    const [other] = fleet.servers.list.filter((server) => server !== away && server !== home) as [Server];
    const at = await homes();
    assert.ok(at.includes(home.name) && at.includes(other.name));
    const isSaid = async (): Promise<boolean> => {
      const said = await fleet.fleet.slipway('status');
      const alone = said.includes(`Node ${home.name} cannot be reached by any other node at ${home.address}:7405`);
      return alone && new RegExp(`Node ${away.name} cannot be reached at ${away.address}:7405 by ${home.name}\\.`).test(said);
    };
    const load = await Load.at({ address: away.address, port: 80, host: 'hello.localhost' }, RATE_PER_S);
    await fleet.servers.network.cutBetween(home.port, away.port);
    await fleet.servers.network.cutBetween(home.port, other.port);
    await eventually('status says so', isSaid);
    // without any peer: what runs there
    assert.match(await fleet.answer(home, 'hello'), /^version=2 /);
    const [known, answered] = [load.failures, load.count];
    await load.until(() => load.count > answered + REQUESTS_AFTER_CUT);
    const { bodies, failures } = await load.stop();
    await slipway('status');
    console.log(`    cut: ${String(bodies.length)} requests, ${String(failures.length)} failed`);
    // What the cut overtook is answered 503 in bounded time; what is asked later is answered by the other node.
    assert.deepEqual(failures.filter((failure) => failure !== 'status 503'), []); // prettier-ignore
    assert.equal(failures.length, known);
    await fleet.servers.network.mendBetween();
  });
});
