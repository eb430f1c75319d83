import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { StatusBody } from '../../../shared/api/observe.ts';
import { eventually } from '../../support/eventually.ts';
import { helloApp, type Repository } from '../../support/fleet-user.ts';
import { Load, type Seen } from '../../support/load.ts';
import { proxyAccount } from '../../support/proxy-account.ts';
import { ServerFleet } from '../../support/server-fleet.ts';
import type { Server } from '../../support/servers/server.ts';

const RATE_PER_S = 50;
/** Requests after which a cut that is known has shown that it costs none. */
const REQUESTS_AFTER_CUT = 50;

describe('requests to servers that do not run the app', { concurrency: false }, () => {
  let fleet: ServerFleet;
  let hello: Repository;
  let version = 1;

  before(async () => {
    fleet = await ServerFleet.start(['fra-1', 'fra-2', 'ams-1'], {
      controller: { rollout: { settleMs: 500, bakeMs: 0 } },
    });
    await fleet.joinAll();
    hello = await fleet.fleet.me.repository('hello', helloApp('1'));
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, `${pushed.text}\n${await fleet.report()}`);
  });
  after(() => fleet.stop());

  // What a test that failed has left behind must not fail the next one.
  beforeEach(async () => {
    await fleet.servers.network.mendBetween();
    for (const { name, cordoned } of (await status()).nodes) if (cordoned) await slipway('nodes:uncordon', name);
    if ((await fleet.instances('hello')).length !== 1) await slipway('ps:scale', 'web=1', '-a', 'hello');
    await settled(1);
    await untilWell();
  });

  async function status(): Promise<StatusBody> {
    return (await fleet.fleet.api('GET', '/status')) as StatusBody;
  }

  /** All nodes are connected, and each reaches the others. */
  async function untilWell(): Promise<void> {
    const isWell = async (): Promise<boolean> => {
      const { nodes, problems } = await status();
      return nodes.every((node) => node.connected && node.state === 'ready') && problems.length === 0;
    };
    await eventually('all is well', isWell).catch(explain);
  }

  /** Why: what status says, where the instances are, and the last lines of everybody. */
  async function explain(error: unknown): Promise<never> {
    const proxies = await Promise.all(fleet.servers.list.map(proxyAccount));
    const said = [
      JSON.stringify((await status()).problems),
      JSON.stringify(await fleet.instances('hello')),
      ...proxies,
    ];
    throw new Error([String(error), ...said, await fleet.report()].join('\n'), { cause: error });
  }

  async function homes(): Promise<string[]> {
    const wanted = (await fleet.instances('hello')).filter(
      ({ desired, state }) => desired === 'run' && state === 'live',
    );
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
    return eventually(`${String(count)} run`, look).catch(explain);
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

  async function assertNoneFailed(what: string, { bodies, failures }: Seen): Promise<void> {
    console.log(`    ${what}: ${String(bodies.length)} requests, ${String(failures.length)} failed`);
    const kinds = [...Map.groupBy(failures, (failure) => failure)].map(
      ([failure, all]) => `${String(all.length)} × ${failure}`,
    );
    if (kinds.length > 0) await explain(new Error(`${what}: ${kinds.join(', ')}`));
  }

  it('are answered by the server that runs it', async () => {
    const { home } = await awayAndHome();
    const body = await fleet.answer(home, 'hello');
    for (const server of fleet.servers.list) assert.equal(await fleet.answer(server, 'hello'), body);
  });

  it('do not fail during a rollout', async () => {
    const { away } = await awayAndHome();
    version += 1;
    await hello.commit(helloApp(String(version)));
    const seen = await under({ through: away }, async () => {
      const pushed = await hello.push('hello');
      assert.ok(pushed.ok, pushed.text);
    });
    await assertNoneFailed('push', seen);
    assert.ok((await fleet.answer(away, 'hello')).startsWith(`version=${String(version)} `));
  });

  it('do not fail while the server that runs it is drained', async () => {
    const { away, home } = await awayAndHome();
    const seen = await under({ through: away }, async () => {
      await slipway('nodes:drain', home.name);
      await eventually('it has moved', async () => !(await homes()).includes(home.name));
    });
    await assertNoneFailed('drain', seen);
    await settled(1);
    await slipway('nodes:uncordon', home.name);
    assert.ok((await fleet.answer(home, 'hello')).startsWith(`version=${String(version)} `));
  });

  it('find instances on every server when there are three, and one on each when it is all', async () => {
    await slipway('ps:scale', 'web=3', '-a', 'hello');
    assert.deepEqual(await settled(3), ['ams-1', 'fra-1', 'fra-2']);
    await slipway('ps:scale', 'web=1', '-a', 'hello');
    await settled(1);
    await slipway('ps:scale', 'web=all', '-a', 'hello');
    assert.deepEqual(await settled(3), ['ams-1', 'fra-1', 'fra-2']);
    await slipway('status');
  });

  it('are answered while a server is cordoned and gets no new instances', async () => {
    const { away } = await awayAndHome();
    await slipway('nodes:cordon', away.name);
    await slipway('ps:scale', 'web=2', '-a', 'hello');
    assert.ok(!(await settled(2)).includes(away.name));
    assert.ok((await fleet.answer(away, 'hello')).startsWith(`version=${String(version)} `));
  });

  it('are answered by a reachable server when a connection is cut, and status names the servers that cannot connect', async () => {
    await slipway('ps:scale', 'web=2', '-a', 'hello');
    await settled(2);
    const { away, home } = await awayAndHome();
    const [other] = fleet.servers.list.filter((server) => server !== away && server !== home) as [Server];
    const isSaid = async (): Promise<boolean> => {
      const said = (await status()).problems.map(({ message }) => message).join('\n');
      const alone = said.includes(`No other node can reach node ${home.name} at ${home.address}:7405`);
      return (
        alone &&
        new RegExp(`Node ${away.name} cannot be reached at ${away.address}:7405 from ${home.name}\\.`).test(said)
      );
    };
    const load = await Load.at({ address: away.address, port: 80, host: 'hello.localhost' }, RATE_PER_S);
    await fleet.servers.network.cutBetween(home.port, away.port);
    await fleet.servers.network.cutBetween(home.port, other.port);
    await eventually('status says so', isSaid).catch(explain);
    // without any peer: what runs there
    assert.ok((await fleet.answer(home, 'hello')).startsWith(`version=${String(version)} `));
    const [knownAtMs, answered] = [performance.now(), load.count];
    await load.until(() => load.count > answered + REQUESTS_AFTER_CUT);
    const { bodies, failures, failedSentAtMs } = await load.stop();
    const said = await slipway('status');
    assert.match(said, /No other node can reach node /);
    console.log(`    cut: ${String(bodies.length)} requests, ${String(failures.length)} failed`);
    // What the cut overtook is answered 503 in bounded time; what is asked later is answered by the other node.
    const others = failures.filter((failure) => failure !== 'status 503');
    const late = failedSentAtMs.filter((sentAtMs) => sentAtMs > knownAtMs).length;
    if (others.length > 0 || late > 0)
      await explain(new Error(`${String(late)} sent after it was known, and ${others.join()}`));
  });
});
