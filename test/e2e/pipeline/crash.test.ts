import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { FailpointFile } from '../../support/failpoint-file.ts';
import { TestFleet } from '../../support/fleet.ts';
import { helloApp, type Repository } from '../../support/fleet-user.ts';

/** Every named stage of a push in each process. Those of a destroy are in destroy.lxc.test.ts. */
const CONTROLLER_STAGES = [
  'push.accepted',
  'push.received',
  'push.procReceive',
  'build.started',
  'build.built',
  'release.committed',
  'switch.begun',
  'release.deploying',
  'release.switched',
  'release.current',
  'release.refMoved',
  'switch.drained',
];
const AGENT_STAGES = [
  'agent.taskStarted',
  'agent.taskDone',
  'agent.fetched',
  'agent.prepared',
  'agent.started',
  'agent.gated',
  'agent.switched',
  'proxy.planned',
  'proxy.written',
];
/** `SLIPWAY_CRASH_ROUNDS=5` for the full proof; once per stage in the default run. */
const ROUNDS = Number(process.env['SLIPWAY_CRASH_ROUNDS'] ?? '1');

interface ReleaseRow {
  readonly version: number;
  readonly state: string;
  readonly commit: string;
}

describe('kill -9 in the middle of a push', () => {
  let fleet: TestFleet;
  let hello: Repository;
  let version = 1;
  let failpoints: FailpointFile;

  before(async () => {
    failpoints = await FailpointFile.open();
    fleet = await TestFleet.start({ controller: { rollout: { settleMs: 200, bakeMs: 200 } }, env: failpoints.env });
    hello = await fleet.me.repository('hello', helloApp('1'));
    const first = await hello.push('hello');
    assert.ok(first.ok, first.text);
  });
  after(async () => {
    await fleet.stop();
    await failpoints.remove();
  });

  const killAt = (stage: string): Promise<void> => failpoints.killAt(stage);

  async function nextVersion(): Promise<{ commit: string; body: RegExp }> {
    version += 1;
    const commit = await hello.commit(helloApp(String(version)));
    return { commit, body: new RegExp(`^version=${String(version)} `) };
  }

  /** Never half: the push is live and the ref says so, or it never happened. */
  async function assertWhole(commit: string): Promise<'live' | 'never'> {
    const releases = await eventually('every release is decided', async () => {
      const rows = (await fleet.api('GET', '/apps/hello/releases')) as ReleaseRow[];
      return rows.some((row) => row.state === 'pending' || row.state === 'deploying') ? undefined : rows;
    });
    const versions = releases.map((row) => row.version).sort((a, b) => b - a);
    assert.deepEqual(
      versions,
      versions.map((_, i) => (versions[0] ?? 0) - i),
      'versions have no gap',
    );
    const current = releases.filter((row) => row.state === 'current');
    assert.equal(current.length, 1);
    await eventually(
      'the ref agrees with the release',
      async () => (await hello.remoteRef('hello')) === current[0]?.commit,
    );
    const { body } = await eventually('the app answers', async () => {
      const answer = await fleet.site.get('hello').catch(() => undefined);
      return answer?.status === 200 ? answer : undefined;
    });
    const live = current[0]?.commit === commit;
    assert.equal(body.startsWith(`version=${String(version)} `), live, body);
    return live ? 'live' : 'never';
  }

  async function pushWhole(): Promise<void> {
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, `${pushed.text}\n${fleet.logs()}`);
    await eventually('the new version answers', async () =>
      (await fleet.site.get('hello')).body.startsWith(`version=${String(version)} `),
    );
  }

  for (const stage of CONTROLLER_STAGES) {
    it(`of the controller at ${stage}: the release is live or failed, and the next push works`, async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        await killAt(stage);
        const { commit } = await nextVersion();
        const pushed = await hello.push('hello');
        await fleet.controllerGone();
        await killAt('');
        assert.equal((await fleet.site.get('hello')).status, 200, 'the app serves while the controller is dead');
        await fleet.startController();
        await fleet.untilConnected();
        const end = await assertWhole(commit);
        if (pushed.ok) assert.equal(end, 'live', 'a push that was acknowledged is live');
        if (end === 'never') await pushWhole();
      }
    });
  }

  for (const stage of AGENT_STAGES) {
    it(`of the agent at ${stage}: the release is live or failed, and the next push works`, async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        await killAt(stage);
        const { commit } = await nextVersion();
        const pushing = hello.push('hello');
        await fleet.agentGone();
        await killAt('');
        await fleet.startAgent();
        const pushed = await pushing;
        const end = await assertWhole(commit);
        assert.equal(pushed.ok, end === 'live', pushed.text);
        if (end === 'never') await pushWhole();
      }
    });
  }
});
