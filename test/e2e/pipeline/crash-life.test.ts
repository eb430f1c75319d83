import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openStore } from '../../../controller/store/open-store.ts';
import type { CronRunBody } from '../../../shared/api/cron.ts';
import type { GarbageBody, RetentionBody } from '../../../shared/api/release-history.ts';
import { systemClock } from '../../../shared/kit/clock.ts';
import { randomId } from '../../../shared/kit/random-id.ts';
import { eventually } from '../../support/eventually.ts';
import { FailpointFile } from '../../support/failpoint-file.ts';
import { TestFleet } from '../../support/fleet.ts';
import type { Repository } from '../../support/fleet-user.ts';
import { TEST_KEYRING } from '../../support/store-fixtures.ts';

/** `SLIPWAY_CRASH_ROUNDS=5` for the full proof. */
const ROUNDS = Number(process.env['SLIPWAY_CRASH_ROUNDS'] ?? '1');
/** crash.test.ts kills at all of these in a push. */
const ROLLBACK_STAGES = ['release.committed', 'release.deploying', 'release.switched', 'release.current'];
const CRON_STAGES = ['cron.due', ...(ROUNDS > 1 ? ['command.recorded'] : []), 'cron.started'];
/** One for each kill, because the tick of an entry runs once. */
const CRON_ENTRIES = Array.from({ length: CRON_STAGES.length * ROUNDS }, (_, at) => `tick-${String(at)}`);
const NOBODY = 65_534;

/** It is unwell while a file with the name of its config var SICK exists. */
const app = (version: string): Record<string, string> => ({
  'server.js': `if (process.env.BAD !== undefined) process.exit(1);
const nonce = Math.random().toString(36).slice(2);
require('node:http').createServer((request, response) => {
  if (request.url === '/up' && require('node:fs').existsSync(process.env.SICK)) response.statusCode = 503;
  response.end('version=${version} colour=' + process.env.COLOUR + ' nonce=' + nonce);
}).listen(process.env.PORT);
process.on('SIGTERM', () => process.exit(0));
`,
  'package.json': JSON.stringify({ name: 'hello', version: '1.0.0' }),
  Procfile: 'web: node server.js\n',
  'app.json': JSON.stringify({
    cron: CRON_ENTRIES.map((name) => ({ name, command: 'echo "tick of $DYNO"', schedule: '0 0 1 1 *' })),
  }),
});

interface ReleaseRow {
  readonly version: number;
  readonly state: string;
  readonly commit: string;
}

/** A crash in the first deploy of another app. */
function describeFirstDeploys(
  fleet: () => TestFleet,
  controllerDies: (stage: string, work: () => Promise<unknown>) => Promise<void>,
): void {
  it('of the controller at appJson.configStored of a first deploy: the secret stays, and the next push scales', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const name = `fresh-${String(round)}`;
      const fresh = await fleet().me.repository(name, {
        ...app('1'),
        Procfile: 'web: node server.js\nworker: node server.js\n',
        'app.json': JSON.stringify({
          env: { SICK: 'nothing', KEY: { generator: 'secret' } },
          formation: { web: { quantity: 1 }, worker: { quantity: 2 } },
        }),
      });
      const key = async (): Promise<string | undefined> =>
        ((await fleet().api('GET', `/apps/${name}/config`)) as { config: Record<string, string> }).config['KEY'];
      await controllerDies('appJson.configStored', () => fresh.push(name));
      const secret = await key();
      assert.match(secret ?? '', /^[0-9a-f]{64}$/);
      const pushed = await fresh.push(name);
      assert.ok(pushed.ok, pushed.text);
      assert.equal(await key(), secret, 'it was made once');
      assert.match(pushed.text, /Scaled: web=1 worker=2/);
      await fleet().api('DELETE', `/apps/${name}`);
    }
  });

  it('of the controller at build.stored of an archive: there is no release, and the same command makes one', async () => {
    const folder = join(fleet().dir, 'archived');
    await mkdir(folder);
    for (const [name, content] of Object.entries(app('1'))) await writeFile(join(folder, name), content);
    for (let round = 0; round < ROUNDS; round += 1) {
      const name = `archived-${String(round)}`;
      await fleet().slipway('create', name, '--no-remote');
      await fleet().api('PATCH', `/apps/${name}/config`, { SICK: 'nothing' });
      const versions = async (): Promise<readonly number[]> =>
        ((await fleet().api('GET', `/apps/${name}/releases`)) as ReleaseRow[]).map(({ version }) => version);
      await controllerDies('build.stored', () => fleet().slipway('deploy', folder, '-a', name));
      assert.deepEqual(await versions(), []);
      await fleet().slipway('deploy', folder, '-a', name);
      assert.deepEqual(await versions(), [1]);
      await fleet().api('DELETE', `/apps/${name}`);
    }
  });
}

describe('kill -9 between two steps of the life of an app', { concurrency: false }, () => {
  let fleet: TestFleet;
  let hello: Repository;
  let failpoints: FailpointFile;
  /** Version in the answer of the app, by commit. */
  const versions = new Map<string, string>();

  before(async () => {
    failpoints = await FailpointFile.open();
    fleet = await TestFleet.start({
      sandbox: 'process',
      controller: { rollout: { settleMs: 200, bakeMs: 200 } },
      env: failpoints.env,
      ...(process.getuid?.() === 0 ? { agentUid: NOBODY } : {}),
    });
    hello = await fleet.me.repository('hello', app('1'));
    await push('1');
    await api('PATCH', '/config', { COLOUR: 'blue', SICK: join(failpoints.dir, 'sick') });
    await push('2');
  });
  after(async () => {
    await fleet.stop();
    await failpoints.remove();
  });

  const killAt = (stage: string): Promise<void> => failpoints.killAt(stage);
  const api = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<unknown> =>
    fleet.api(method, `/apps/hello${path}`, body);
  const answer = async (name = 'hello'): Promise<{ readonly status: number; readonly body: string }> =>
    await fleet.site.get(name).catch(() => ({ status: 0, body: '' }));
  const answers = (status: number): Promise<string> =>
    eventually(`it answers ${String(status)}`, async () => {
      const last = await answer();
      return last.status === status ? last.body : undefined;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${fleet.logs()}`, { cause: error });
    });
  const releases = async (): Promise<readonly ReleaseRow[]> => (await api('GET', '/releases')) as ReleaseRow[];
  const configOf = async (path: string): Promise<Readonly<Record<string, string>>> =>
    ((await api('GET', path)) as { config: Record<string, string> }).config;

  async function push(version: string): Promise<void> {
    versions.set(await hello.commit(app(version)), version);
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, `${pushed.text}\n${fleet.logs()}`);
  }

  async function startAgain(): Promise<void> {
    await killAt('');
    await fleet.startController();
    await fleet.untilConnected();
  }

  /** The controller dies at this stage of the work, and is started again. Only a change of the traffic itself ends the answers. */
  async function controllerDies(stage: string, work: () => Promise<unknown>): Promise<void> {
    await killAt(stage);
    const working = work().catch(() => undefined);
    await fleet.controllerGone();
    await working;
    assert.equal((await answer()).status, 200, `it serves while the controller is dead at ${stage}`);
    await startAgain();
  }

  async function agentDies(stage: string, work: () => Promise<unknown>): Promise<void> {
    await killAt(stage);
    const working = work().catch(() => undefined);
    await fleet.agentGone();
    await killAt('');
    await fleet.startAgent();
    await working;
  }

  /** Every release is decided, one is current, and slug, config, git ref and answer are all of this one. */
  async function whole(): Promise<ReleaseRow> {
    const rows = await eventually('every release is decided', async () => {
      const all = await releases();
      return all.some(({ state }) => state === 'pending' || state === 'deploying') ? undefined : all;
    });
    const [newest = 0] = rows.map(({ version }) => version);
    assert.deepEqual(
      rows.map(({ version }) => version),
      rows.map((_, at) => newest - at),
      'no release is lost',
    );
    const [current, ...others] = rows.filter(({ state }) => state === 'current');
    assert.ok(current !== undefined && others.length === 0, JSON.stringify(rows));
    const config = await configOf('/config');
    assert.deepEqual(config, await configOf(`/releases/v${String(current.version)}/config-vars`));
    await eventually('the ref follows', async () => (await hello.remoteRef('hello')) === current.commit);
    const expected = `version=${versions.get(current.commit) ?? ''} colour=${config['COLOUR'] ?? 'undefined'} `;
    await eventually(`it answers ${expected}`, async () => (await answer()).body.startsWith(expected));
    return current;
  }

  for (const stage of ROUNDS > 1 ? ROLLBACK_STAGES : ROLLBACK_STAGES.slice(2))
    it(`of the controller at ${stage} of a rollback: slug and config are those of one release`, async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const [first, second] = [...versions.keys()];
        const before = await whole();
        const rows = [...(await releases())].reverse();
        const wanted = before.commit === first ? second : first;
        const target = rows.find(({ commit, version }) => commit === wanted && version !== 2) ?? assert.fail();
        await controllerDies(stage, () => api('POST', '/rollback', { version: target.version }));
        assert.equal((await whole()).commit, wanted, 'a stored rollback goes on');
      }
    });

  it('of the controller at config.stored, and in a change of checks: the change is whole, or the same command makes it', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const [colour, { version }] = [`green-${String(round)}`, await whole()];
      await controllerDies('config.stored', () => api('PATCH', '/config', { COLOUR: colour }));
      assert.deepEqual([(await configOf('/config'))['COLOUR'], (await releases())[0]?.version], [colour, version]);
      await api('PATCH', '/config', { COLOUR: colour });
      assert.equal((await whole()).version, version + 1);

      const check = { type: 'startup', path: '/up', attempts: round + 5, wait: 1, timeout: 60 };
      await controllerDies('release.committed', () => api('PATCH', '/checks/web', { check }));
      assert.equal((await whole()).version, version + 2, 'a stored release goes on');
      const again = (await api('PATCH', '/checks/web', { check })) as { readonly version?: number };
      assert.equal(again.version, undefined, 'the checks came with their release');
    }
  });

  it('of the controller at release.failed: the former release goes on, and the next change works', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { version } = await whole();
      await controllerDies('release.failed', () => api('PATCH', '/config', { BAD: '1' }));
      await answers(200);
      assert.deepEqual(
        (await releases()).slice(0, 2).map(({ version: number, state }) => [number, state]),
        [
          [version + 1, 'failed'],
          [version, 'current'],
        ],
      );
      await api('PATCH', '/config', { BAD: null });
      assert.equal((await whole()).version, version + 2);
    }
  });

  it('of the controller at app.renamed: the app answers under its new name alone', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { body } = await answer();
      await controllerDies('app.renamed', () => api('PATCH', '', { name: 'renamed' }));
      await eventually('the new name answers', async () => (await answer('renamed')).body === body);
      assert.notEqual((await answer()).status, 200, 'the former name has no route');
      await fleet.api('PATCH', '/apps/renamed', { name: 'hello' });
      assert.equal(await answers(200), body, 'no process was restarted');
      assert.notEqual((await answer('renamed')).status, 200);
    }
  });

  it('of the controller at app.maintenanceSet, app.stopped and formation.stored: the change is there', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await controllerDies('app.maintenanceSet', () => fleet.slipway('maintenance:on', '-a', 'hello'));
      await answers(503);
      await api('DELETE', '/maintenance');
      await answers(200);
      await controllerDies('app.stopped', () => api('POST', '/stop', {}));
      await answers(503);
      await killAt('formation.stored');
      const starting = api('POST', '/start', {}).catch(() => undefined);
      await fleet.controllerGone();
      await starting;
      await startAgain();
      await answers(200);
    }
  });

  it('of the controller in the clean-up of the history and in gc: no image of a kept release is lost', async () => {
    const images = async (): Promise<readonly string[]> =>
      ((await fleet.api('POST', '/gc', { dryRun: true })) as GarbageBody).images.map(({ digest }) => digest);
    for (let round = 0; round < ROUNDS; round += 1) {
      const pinned = (await whole()).version;
      await push(`3.${String(round)}`);
      await push(`4.${String(round)}`);
      await api('PATCH', `/releases/v${String(pinned)}`, { pinned: true });
      await controllerDies('history.slugsRemoved', () => api('PATCH', '/retention', { slugs: 0 }));
      assert.notDeepEqual(await images(), [], 'the files are still there');
      await controllerDies('gc.slugsRemoved', () => fleet.api('POST', '/gc', { dryRun: false }));
      await controllerDies('images.removing', () => api('PATCH', '/config', { ROUND: `a${String(round)}` }));
      await api('PATCH', '/config', { ROUND: `b${String(round)}` });
      await eventually('no unused image is left', async () => (await images()).length === 0);
      const kept = (await api('GET', '/retention')) as RetentionBody;
      assert.deepEqual([kept.restorable.includes(pinned), kept.pinned], [true, [pinned]]);
      await api('POST', '/rollback', { version: pinned });
      await whole();
      await api('PATCH', `/releases/v${String(pinned)}`, { pinned: false });
      await api('PATCH', '/retention', { slugs: null });
    }
  });

  describeFirstDeploys(() => fleet, controllerDies);

  /** As if the controller had been away over the last tick. */
  async function missTick(name: string): Promise<void> {
    await fleet.endController();
    const path = join(fleet.stateDirs.controller, 'slipway.db');
    const store = await openStore({ path, clock: systemClock, randomId, keyring: TEST_KEYRING });
    const [entry] = await store.deployedApps();
    const decidedMs = systemClock.nowMs() - 370 * 24 * 3_600_000;
    await store.setCronDecided([{ appId: entry?.id ?? assert.fail(), name, decidedMs }]);
    await store.close();
  }

  for (const [at, stage] of CRON_STAGES.entries())
    it(`of the controller at ${stage} of a tick of cron: the tick runs at most once, and is decided once`, async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const entry = `tick-${String(at * ROUNDS + round)}`;
        await missTick(entry);
        const cronRuns = async (): Promise<readonly CronRunBody[]> =>
          (await api('GET', `/cron-runs?entry=${entry}`)) as CronRunBody[];
        await killAt(stage);
        await fleet.startController().catch(() => undefined); // it may die before it is ready
        await fleet.controllerGone();
        await startAgain();
        const run = await eventually('the tick has ended', async () => {
          const [newest, ...others] = await cronRuns();
          assert.deepEqual(others, [], 'it was decided once');
          return newest?.finishedAtMs === undefined ? undefined : newest;
        });
        if (stage !== 'cron.started') assert.equal(run.state, 'succeeded', run.failure?.message);
        const log = await fleet.pastLogs('-a', 'hello', '-p', `cron.${entry}`, '-n', '500');
        const ran = log.split(`tick of ${run.run ?? ''}\n`).length - 1;
        assert.ok(ran <= 1, `it ran ${String(ran)} times`);
        if (run.state === 'succeeded') assert.equal(ran, 1, log);
      }
    });

  it('of the agent around a health check: an unwell instance gets no requests, and is restarted once', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const check = { path: '/up', attempts: 1, wait: 1, timeout: 60 };
      await api('PATCH', '/checks/web', { check: { ...check, type: 'readiness' } });
      const { body } = await answer();
      const sick = join(failpoints.dir, 'sick');
      await agentDies('agent.marked', () => writeFile(sick, ''));
      await answers(503);
      await rm(sick);
      assert.equal(await answers(200), body, 'the process was not restarted');

      await api('PATCH', '/checks/web', { check: { ...check, type: 'liveness' } });
      const former = await answers(200);
      await agentDies('agent.unhealthyEnded', () => writeFile(sick, ''));
      await rm(sick);
      assert.notEqual(await answers(200), former, 'the process was restarted');
      await api('DELETE', '/checks/web');
    }
  });

  it('of the agent at agent.commandRemoved: the end of the command is known, and nothing of it is left', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const [before] = (await api('GET', '/cron-runs')) as CronRunBody[];
      await agentDies('agent.commandRemoved', () => api('POST', '/cron/tick-0/run', {}));
      const run = await eventually('it has ended', async () => {
        const [newest] = (await api('GET', '/cron-runs')) as CronRunBody[];
        return newest?.run === before?.run || newest?.finishedAtMs === undefined ? undefined : newest;
      });
      assert.equal(run.state, 'succeeded', run.failure?.message);
      await api('POST', '/cron/tick-0/run', {});
    }
  });
});
