import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { InstanceBody } from '../../../shared/api/formation.ts';
import type { StatusBody } from '../../../shared/api/observe.ts';
import { eventually, letPass } from '../../support/eventually.ts';
import { TestFleet } from '../../support/fleet.ts';
import type { Repository } from '../../support/fleet-user.ts';
import { killProcess } from '../../support/kill-process.ts';
import { Load } from '../../support/load.ts';
import { cutPower, haproxyPids } from '../../support/power-cut.ts';

const MB = 1024 * 1024;
/** Several times what a log may hold. */
const FLOOD_MB = Number(process.env['SLIPWAY_FLOOD_MB'] ?? 100);

/** Writes 10 MB/s to its standard output when told to, and ends as told. */
const floodApp = (version: string): Record<string, string> => ({
  'server.js': `
const nonce = Math.random().toString(36).slice(2);
let written = 0;
function flood() {
  const block = ('x'.repeat(1023) + '\\n').repeat(1024);
  setInterval(() => { process.stdout.write(block); written += block.length; }, 100);
}
require('node:http').createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://app');
  if (pathname === '/flood') flood();
  if (pathname === '/exit') process.exit(Number(searchParams.get('status')));
  response.end('version=${version} nonce=' + nonce + ' written=' + written);
}).listen(process.env.PORT);
process.on('SIGTERM', () => process.exit(0));
`,
  'package.json': JSON.stringify({ name: 'survivor', version: '1.0.0' }),
  Procfile: 'web: node server.js\n',
});

interface Answer {
  readonly version: string;
  readonly nonce: string;
  readonly writtenMb: number;
}

describe('kills and reboots that an app survives', { concurrency: false }, () => {
  let fleet: TestFleet;
  let survivor: Repository;
  before(async () => {
    fleet = await TestFleet.start({ controller: { rollout: { settleMs: 200, bakeMs: 200 } } });
    survivor = await fleet.me.repository('survivor', floodApp('1'));
    const pushed = await survivor.push('survivor');
    assert.ok(pushed.ok, `${pushed.text}\n${fleet.logs()}`);
  });
  after(() => fleet.stop());

  const ask = async (path = '/'): Promise<Answer | undefined> => {
    const answer = await fleet.site.get('survivor', path).catch(() => undefined);
    const [, version = '', nonce = '', written] =
      /^version=(\S+) nonce=(\S+) written=(\d+)$/.exec(answer?.body ?? '') ?? [];
    return answer?.status === 200 ? { version, nonce, writtenMb: Number(written) / MB } : undefined;
  };
  const answered = (): Promise<Answer> => eventually('the app answers', () => ask());
  const instance = async (): Promise<InstanceBody> => {
    const all = (await fleet.api('GET', '/apps/survivor/ps')) as InstanceBody[];
    const web = all.find((one) => one.desired === 'run');
    assert.ok(web !== undefined, JSON.stringify(all));
    return web;
  };
  const logBytes = async (): Promise<number> => {
    const root = join(fleet.dir, 'agent', 'sandbox', 'logs');
    const files = await readdir(root, { recursive: true });
    const sizes = files.map(async (name) => (await stat(join(root, name)).catch(() => undefined))?.size ?? 0);
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  };

  it('an app that floods its log keeps running without the agent, and its end is known afterwards', async (t) => {
    const before = await answered();
    await ask('/flood');
    const since = performance.now();
    const seconds = (): number => (performance.now() - since) / 1000;
    await fleet.endAgent();
    let largestLog = 0;
    let slowestMs = 0;
    let last = before;
    while (last.writtenMb < FLOOD_MB) {
      const askedAtMs = performance.now();
      const now = await ask();
      slowestMs = Math.max(slowestMs, performance.now() - askedAtMs);
      largestLog = Math.max(largestLog, await logBytes());
      assert.equal(now?.nonce, before.nonce, 'the same process');
      last = now;
      if (last.writtenMb > FLOOD_MB / 2 && fleet.agentPid === 0) {
        await fleet.startAgent();
        assert.equal((await instance()).restarts, 0);
        assert.equal((await ask())?.nonce, before.nonce, "the agent's return restarts nothing");
        await fleet.endAgent();
      }
    }
    const rate = last.writtenMb / seconds();
    t.diagnostic(
      `${rate.toFixed(1)} MB/s written, log at most ${(largestLog / MB).toFixed(1)} MB, slowest answer ${slowestMs.toFixed(0)} ms`,
    );
    assert.ok(largestLog < 14 * MB, `${String(largestLog)} bytes of log`);
    await ask('/exit?status=7');
    await eventually('the app has ended', async () => (await ask()) === undefined);
    await letPass(4_000); // without an agent nothing starts it again
    assert.equal(await ask(), undefined);
    await fleet.startAgent();
    const ended = await eventually('the end is reported', async () => {
      const web = await instance();
      return web.lastExit === undefined ? undefined : web;
    });
    assert.deepEqual([ended.lastExit?.code, ended.lastExit?.oomKilled, ended.restarts], [7, false, 1]);
    assert.notEqual((await answered()).nonce, before.nonce);
  });

  it('crash after crash, each restart waits longer', async (t) => {
    // The first restart is immediate.
    const atLeastMs = [0, 500, 1000, 2000];
    const waits: number[] = [];
    const former = (await instance()).restarts;
    for (let restarts = former + 1; restarts <= atLeastMs.length; restarts += 1) {
      await ask('/exit?status=3');
      const up = await eventually('it is up again', async () => {
        const web = await instance();
        return web.restarts === restarts && web.state === 'live' ? web : undefined;
      });
      assert.ok(up.lastExit?.code === 3);
      waits.push((up.startedAtMs ?? 0) - up.lastExit.atMs);
    }
    t.diagnostic(`started again after ${waits.join(', ')} ms`);
    for (const [index, wait] of waits.entries()) assert.ok(wait >= (atLeastMs[former + index] ?? 0), waits.join());
  });

  it('no request fails while the agent is killed and restarts', async (t) => {
    const before = await answered();
    const routes = await readFile(join(fleet.dir, 'agent', 'proxy', 'haproxy.cfg'), 'utf8');
    const load = await Load.start(fleet.ports.web, 'survivor.localhost', 100);
    for (let round = 0; round < 2; round += 1) {
      await fleet.endAgent();
      await fleet.startAgent();
    }
    const enough = load.until((seen) => seen.bodies.length > 400);
    await enough;
    const seen = await load.stop();
    t.diagnostic(`${String(seen.bodies.length)} requests, ${String(seen.failures.length)} failed`);
    assert.deepEqual(seen.failures, []);
    assert.ok(seen.bodies.every((body) => body.includes(before.nonce)));
    assert.equal(await readFile(join(fleet.dir, 'agent', 'proxy', 'haproxy.cfg'), 'utf8'), routes);
  });

  it('a proxy that is killed during a switch restarts, and the new version gets the requests', async (t) => {
    const slots = join(fleet.dir, 'agent', 'proxy', 'slots.json');
    const routes = await readFile(slots, 'utf8');
    const load = await Load.start(fleet.ports.web, 'survivor.localhost', 50);
    const version = String(Number((await answered()).version) + 1);
    await survivor.commit(floodApp(version));
    const pushing = survivor.push('survivor');
    await eventually('the switch has begun', async () => (await readFile(slots, 'utf8')) !== routes);
    for (const pid of await haproxyPids(fleet)) killProcess(pid);
    const killedAtMs = performance.now();
    await answered();
    const healMs = performance.now() - killedAtMs;
    const pushed = await pushing;
    assert.ok(pushed.ok, `${pushed.text}\n${fleet.logs()}`);
    const during = await load.stop();
    t.diagnostic(
      `back after ${healMs.toFixed(0)} ms, ${String(during.failures.length)} of ${String(during.bodies.length)} requests lost`,
    );
    // While both versions serve, either answers. After the push has ended, only the new one does.
    const afterwards = await Load.start(fleet.ports.web, 'survivor.localhost', 50);
    await afterwards.until((seen) => seen.bodies.length >= 50);
    const seen = await afterwards.stop();
    assert.deepEqual(seen.failures, []);
    assert.deepEqual(
      seen.bodies.filter((body) => !body.startsWith(`version=${version} `)),
      [],
      'no way back to the old version',
    );
  });

  it('after a reboot the app is back from its accepted state and cached images, with the controller down', async (t) => {
    const [before, { release }] = [await answered(), await instance()];
    await fleet.endController();
    await cutPower(fleet);
    assert.equal(await ask(), undefined, 'nothing answers');
    const startedAtMs = performance.now();
    await fleet.startAgentAlone();
    const back = await answered();
    const tookMs = performance.now() - startedAtMs;
    t.diagnostic(`serving ${tookMs.toFixed(0)} ms after the agent was started`);
    assert.equal(back.version, before.version);
    assert.notEqual(back.nonce, before.nonce);
    await fleet.startController();
    await fleet.untilConnected();
    const web = await eventually('it is reported as live', async () =>
      (await instance()).state === 'live' ? instance() : undefined,
    );
    assert.deepEqual([web.release, web.restarts], [release, 0], 'a reboot is no crash of the app');
    let problems: StatusBody['problems'] = [];
    await eventually('status is well', async () => {
      ({ problems } = (await fleet.api('GET', '/status')) as StatusBody);
      return problems.length === 0;
    }).catch(() => assert.fail(JSON.stringify(problems)));
    assert.equal((await ask())?.nonce, back.nonce, "the controller's return restarts nothing");
    const next = String(Number(before.version) + 1);
    await survivor.commit(floodApp(next));
    const pushed = await survivor.push('survivor');
    assert.ok(pushed.ok, `${pushed.text}\n${fleet.logs()}`);
    await eventually('the next version answers', async () => (await ask())?.version === next);
  });
});
