import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { DestroyedAppBody } from '../../../shared/api/apps.ts';
import { placesOf, processesOf, remainsOf, remainsOfPlaces } from '../../support/app-remains.ts';
import { HELD_S, heldPids, isHeld, withBuildpack } from '../../support/bad-input.ts';
import { eventually } from '../../support/eventually.ts';
import { TestFleet } from '../../support/fleet.ts';
import type { Repository, User } from '../../support/fleet-user.ts';

const SECRET = 'c0nfig-of-the-former-app';
const SPOKEN = 'a-line-that-only-the-former-app-wrote';

/** It leaves what it can: a deep tree, a sparse file, and a process in a session of its own that ignores SIGTERM. */
const untidyApp = (version: string): Record<string, string> => ({
  'server.js': `const { spawn } = require('node:child_process');
const { mkdirSync, truncateSync, writeFileSync } = require('node:fs');
mkdirSync('/tmp/' + 'd/'.repeat(500), { recursive: true });
writeFileSync('/app/sparse', '');
truncateSync('/app/sparse', 2 ** 40);
spawn('/bin/sh', ['-c', "trap '' TERM; exec tail -f /dev/null"], { detached: true, stdio: 'ignore' });
console.log('${SPOKEN}', process.env.KEEP);
require('node:http').createServer((_, response) => response.end('version=${version} keep=' + process.env.KEEP)).listen(process.env.PORT);
process.on('SIGTERM', () => process.exit(0));
`,
  'package.json': JSON.stringify({ name: 'untidy', version: '1.0.0' }),
  Procfile: 'web: node server.js\nworker: exit 3\n',
});

const AGENT_STAGES = ['agent.leftoverRemoved', 'agent.layerUnmounted', 'agent.layerDeleted', 'agent.destroyedSynced'];
const CONTROLLER_STAGES = ['app.ending', 'app.destroyed', 'app.filesRemoved'];
/** `SLIPWAY_CRASH_ROUNDS=5` for the full proof. */
const ROUNDS = Number(process.env['SLIPWAY_CRASH_ROUNDS'] ?? '1');

interface Running {
  readonly appId: string;
  readonly uidBase: number;
}

describe('an app that is destroyed', { concurrency: false }, () => {
  let fleet: TestFleet;
  let bob: User;
  let mine: Repository;
  before(async () => {
    fleet = await TestFleet.start({
      controller: { rollout: { settleMs: 200, bakeMs: 200 } },
      agent: { stopTimeoutMs: 1_000 },
    });
    bob = await fleet.addUser('bob');
    mine = await fleet.me.repository('untidy', untidyApp('1'));
  });
  after(() => fleet.stop());

  const stateDir = (): string => fleet.stateDirs.agent;
  const former = async (): Promise<DestroyedAppBody> => {
    const [last] = (await fleet.api('GET', '/destroyed-apps')) as DestroyedAppBody[];
    return last ?? assert.fail('no app was destroyed');
  };
  const destroy = (name: string): Promise<unknown> => fleet.api('DELETE', `/apps/${name}`);
  const isGone = async (name: string): Promise<boolean> => {
    const apps = (await fleet.api('GET', '/apps')) as { name: string }[];
    return !apps.some((app) => app.name === name);
  };
  const free = (): Promise<DestroyedAppBody> =>
    eventually('its user ids are free', async () => {
      const app = await former();
      return app.freeAtMs === undefined ? undefined : app;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${fleet.logs()}`, { cause: error });
    });

  /** What the agent has of the only app that runs. */
  function running(): Running {
    const base = join(stateDir(), 'sandbox', 'sandboxes');
    const records = readdirSync(base).map((id) => join(base, id, 'record.json'));
    const [record] = records
      .filter((path) => existsSync(path))
      .map((path) => JSON.parse(readFileSync(path, 'utf8')) as Running);
    const [appId] = readdirSync(join(stateDir(), 'build-cache'));
    return { appId: appId ?? assert.fail('no build cache'), uidBase: record?.uidBase ?? assert.fail('no sandbox') };
  }

  async function push(repository: Repository, name: string): Promise<void> {
    const pushed = await repository.push(name);
    assert.ok(pushed.ok, `${pushed.text}\n${fleet.logs()}`);
    await eventually('it answers', async () => (await fleet.site.get(name).catch(() => undefined))?.status === 200);
  }

  async function assertNothingLeft({ appId, uidBase }: Running): Promise<void> {
    assert.deepEqual(await remainsOf(stateDir(), { appId, uidBase, secrets: [SECRET, SPOKEN] }), []);
    assert.deepEqual(processesOf(uidBase, `slipt${String(process.pid)}`), []);
    const images = readdirSync(join(stateDir(), 'images')).filter((name) => name.endsWith('.sqfs'));
    assert.deepEqual(images, [], 'no other app needs its layers');
  }

  it('leaves nothing on its node, and then the next app of another user gets its user ids', async () => {
    await push(mine, 'untidy');
    await fleet.api('PATCH', '/apps/untidy/config', { KEEP: SECRET });
    await eventually('it has its config', async () => (await fleet.site.get('untidy')).body.endsWith(SECRET));
    const app = running();
    const strange = join(stateDir(), 'sandbox', 'logs', 'nobodyknowsme');
    await mkdir(strange);
    await writeFile(join(strange, 'current'), SPOKEN);
    const stray = join(stateDir(), 'sandbox', 'stray');
    await writeFile(stray, SPOKEN);
    await chown(stray, app.uidBase + 1000, app.uidBase + 1000);

    await destroy('untidy');
    assert.equal((await free()).uidBase, app.uidBase);
    await assertNothingLeft(app);

    // The name is kept for its last owner, so the app of another user has its own name.
    const theirs = await bob.repository('other', untidyApp('2'));
    await push(theirs, 'other');
    assert.equal(running().uidBase, app.uidBase, 'the ids are used again');
    assert.notEqual(running().appId, app.appId);
    assert.match((await fleet.site.get('other')).body, /^version=2 keep=undefined$/);
    const text = await fleet.pastLogs('--app', 'other', '--num', '500');
    assert.match(text, new RegExp(`${SPOKEN} undefined`));
    assert.doesNotMatch(text, new RegExp(SECRET));
    assert.doesNotMatch(fleet.logs(), /session\.unknown_instances/);
    await destroy('other');
    await free();
  });

  it('ends its build, leaves nothing of it on builder and controller, and its pusher reads why', async () => {
    const compile = `echo ${SPOKEN}; echo ${SPOKEN} >"$1/note"; echo ${SPOKEN} >"$2/cached"; setsid sleep ${HELD_S} & sleep ${HELD_S}`;
    const building = await fleet.me.repository('building', { ...untidyApp('1'), ...withBuildpack(compile) });
    const pushing = building.startPush('building');
    const [first = '', second = ''] = await eventually('both programs of the build run', async () => {
      const pids = await heldPids();
      return pids.length === 2 ? pids : undefined;
    });
    const places = [placesOf(first), placesOf(second)];
    const [repository = ''] = readdirSync(join(fleet.stateDirs.controller, 'repos'));
    const appId = repository.replace(/\.git$/, '');
    const placesLeft = async (): Promise<readonly string[]> => (await Promise.all(places.map(remainsOfPlaces))).flat();
    assert.notDeepEqual(await placesLeft(), [], 'the check sees a build that runs');
    await destroy('building');
    const { ok, text } = await pushing.result;
    assert.deepEqual([ok, text.includes('App building was destroyed.')], [false, true], text);
    const { uidBase } = await free();
    await eventually('the build has ended', async () => !(await isHeld()));
    const left = async (): Promise<readonly string[]> => [
      ...(await placesLeft()),
      ...(await remainsOf(stateDir(), { appId, uidBase, secrets: [SPOKEN] })),
      ...(await remainsOf(fleet.stateDirs.controller, { appId, uidBase, secrets: [SPOKEN] })),
      ...processesOf(uidBase, `slipt${String(process.pid)}`),
    ];
    await eventually('nothing is left', async () => (await left()).length === 0).catch(async (error: unknown) => {
      throw new Error([String(error), ...(await left()), fleet.logs()].join('\n'), { cause: error });
    });
  });

  it('is removed from a disconnected node when the node is back', async () => {
    await push(mine, 'untidy');
    const app = running();
    await fleet.endAgent('SIGKILL');
    await destroy('untidy');
    assert.equal((await former()).freeAtMs, undefined);
    assert.ok(processesOf(app.uidBase, `slipt${String(process.pid)}`).length > 0, 'it runs on');
    await fleet.startAgent();
    await free();
    await assertNothingLeft(app);
    assert.doesNotMatch(fleet.logs(), /session\.unknown_instances/);
  });

  it('is complete in the end when the agent is killed repeatedly during it', async () => {
    for (const stage of Array.from({ length: ROUNDS }, () => AGENT_STAGES).flat()) {
      await push(mine, 'untidy');
      const app = running();
      await fleet.endAgent('SIGTERM');
      await fleet.startAgent({ SLIPWAY_FAILPOINTS: `${stage}=kill` });
      await destroy('untidy');
      await fleet.agentGone();
      assert.equal((await former()).freeAtMs, undefined, 'nothing was acknowledged');
      if (stage === 'agent.leftoverRemoved') {
        await fleet.startAgentAlone({ SLIPWAY_FAILPOINTS: `${stage}=kill` });
        await fleet.agentGone();
      }
      await fleet.startAgent();
      await free();
      await assertNothingLeft(app);
    }
  });

  for (const stage of CONTROLLER_STAGES) {
    it(`is complete or undone when the controller is killed at ${stage}`, async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        await push(mine, 'untidy');
        const app = running();
        await fleet.endController('SIGTERM');
        await fleet.startController({ SLIPWAY_FAILPOINTS: `${stage}=kill` });
        await fleet.untilConnected();
        await destroy('untidy').catch(() => undefined);
        await fleet.controllerGone();
        await fleet.startController();
        await fleet.untilConnected();
        if (!(await isGone('untidy'))) {
          assert.equal(stage, 'app.ending', 'only before the transaction it is whole');
          assert.equal((await fleet.site.get('untidy')).status, 200);
          await push(mine, 'untidy');
          await destroy('untidy');
        }
        await free();
        await assertNothingLeft(app);
        const ids = await eventually('the controller has no file of it', () => {
          const names = readdirSync(fleet.stateDirs.controller, { recursive: true, encoding: 'utf8' });
          return names.some((name) => name.includes(app.appId)) ? undefined : names;
        });
        assert.ok(ids.length > 0);
      }
    });
  }
});
