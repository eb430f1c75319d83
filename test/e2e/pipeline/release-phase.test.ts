import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { FailpointFile } from '../../support/failpoint-file.ts';
import { TestFleet } from '../../support/fleet.ts';
import { helloApp, type Repository } from '../../support/fleet-user.ts';

/** Every named stage of a release command in each process. */
const CONTROLLER_STAGES = [
  'command.recorded',
  'command.running',
  'command.sent',
  'command.ended',
  'release.commandEnded',
];
const AGENT_STAGES = [
  'agent.commandAccepted',
  'agent.commandStarting',
  'agent.commandStarted',
  'agent.commandEnded',
  'agent.commandRecorded',
];
const ROUNDS = Number(process.env['SLIPWAY_CRASH_ROUNDS'] ?? '1');

/** The release command prints its release, and ends with this status. */
const app = (version: string, status: number): Record<string, string> => ({
  ...helloApp(version),
  Procfile: 'web: node server.js\nrelease: sh migrate.sh --table "users & orders"\n',
  'migrate.sh': `echo "migrating $HEROKU_RELEASE_VERSION in $DYNO: $2"\nsleep 0.2\nexit ${String(status)}\n`,
});

interface ReleaseRow {
  readonly version: number;
  readonly state: string;
  readonly failure?: { readonly code: string; readonly message: string };
}

describe('the release phase', () => {
  let fleet: TestFleet;
  let hello: Repository;
  let failpoints: FailpointFile;
  let content = 1;

  before(async () => {
    failpoints = await FailpointFile.open();
    fleet = await TestFleet.start({ controller: { rollout: { settleMs: 200, bakeMs: 200 } }, env: failpoints.env });
    hello = await fleet.me.repository('hello', app('1', 0));
  });
  after(async () => {
    await fleet.stop();
    await failpoints.remove();
  });

  const killAt = (stage: string): Promise<void> => failpoints.killAt(stage);
  const serves = async (version: string): Promise<boolean> =>
    (await fleet.site.get('hello')).body.startsWith(`version=${version} `);
  const newest = async (): Promise<ReleaseRow> =>
    ((await fleet.api('GET', '/apps/hello/releases?limit=1')) as ReleaseRow[])[0] ?? assert.fail('no release');

  it('runs once before anything of the release starts, and its output is in the push', async () => {
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, `${pushed.text}\n${fleet.logs()}`);
    assert.match(pushed.text, /Running release command\.\.\./);
    assert.match(pushed.text, /migrating v1 in release\.1: users & orders/);
    assert.ok(await serves('1'));
    const log = await fleet.pastLogs('-a', 'hello', '-p', 'release.1', '-n', '50');
    assert.match(log, /migrating v1/);
    assert.match(log, /Process exited with status 0/);
    assert.match(await fleet.slipway('releases:output', 'v1', '-a', 'hello'), /^migrating v1 in release\.1/m);
  });

  it('rejects a push whose command fails: the old release keeps serving', async () => {
    await hello.commit(app('2', 3));
    const pushed = await hello.push('hello');
    assert.equal(pushed.ok, false, pushed.text);
    assert.match(pushed.text, /migrating v2 in release\.2/);
    assert.match(pushed.text, /The release command failed: release\.2 of hello exited with status 3\./);
    assert.match(pushed.text, /v2 failed\. v1 keeps serving\./);
    assert.ok(await serves('1'));
    assert.equal((await newest()).failure?.code, 'SLIP_COMMAND_FAILED');
    assert.match(await fleet.slipway('releases:output', 'v2', '-a', 'hello'), /migrating v2/);
    assert.match(await fleet.slipway('why', 'hello'), /release\.2 of hello exited with status 3/);
  });

  it('runs again for the push that mends it, and for a config change', async () => {
    await hello.commit(app('3', 0));
    const pushed = await hello.push('hello');
    assert.ok(pushed.ok, pushed.text);
    assert.match(pushed.text, /migrating v3/);
    await fleet.slipway('config:set', 'A=1', '-a', 'hello');
    const log = await fleet.pastLogs('-a', 'hello', '-p', 'release.4', '-n', '50');
    assert.match(log, /migrating v4/);
    content = 3;
  });

  it('is stopped when the push is aborted, and then the release has failed', async () => {
    await hello.commit({ ...app('4', 0), 'migrate.sh': 'echo waiting; exec sleep 9999\n' });
    const pushing = hello.startPush('hello');
    await pushing.saw(/waiting/);
    pushing.interrupt();
    await pushing.result;
    const { state, failure } = await decided();
    assert.deepEqual([state, failure?.code], ['failed', 'SLIP_COMMAND_CANCELLED']);
    assert.ok(await serves('3'));
  });

  it('bounds the output of a command that prints without end, and says so', async () => {
    const flood = "yes 'a line of output' | head -c 30000000\n";
    await hello.commit({ ...app('5', 0), 'migrate.sh': flood });
    const { ok, text } = await hello.push('hello');
    assert.ok(ok, text.slice(-2000));
    assert.ok(text.length < 1_000_000, String(text.length));
    assert.match(text, /more than 262144 bytes of output: the rest is in the log/);
    content = 5;
  });

  /** How often the command of the newest release ran. */
  async function runs(version: number): Promise<number> {
    const process = `release.${String(version)}`;
    const log = await fleet.pastLogs('-a', 'hello', '-p', process, '-n', '100');
    return log.split(`migrating v${String(version)} `).length - 1;
  }

  async function decided(): Promise<ReleaseRow> {
    return await eventually('the release is decided', async () => {
      const row = await newest();
      return row.state === 'pending' || row.state === 'deploying' ? undefined : row;
    });
  }

  for (const [program, stages] of [
    ['controller', CONTROLLER_STAGES],
    ['agent', AGENT_STAGES],
  ] as const) {
    for (const stage of stages) {
      it(`never runs twice when the ${program} is killed at ${stage}, and ends`, async () => {
        for (let round = 0; round < ROUNDS; round += 1) {
          await killAt(stage);
          content += 1;
          await hello.commit(app(String(content), 0));
          const pushing = hello.push('hello');
          await (program === 'controller' ? fleet.controllerGone() : fleet.agentGone());
          await killAt('');
          if (program === 'controller') await fleet.startController();
          else await fleet.startAgentAlone();
          await fleet.untilConnected();
          await pushing;
          const { version, state, failure } = await decided();
          const ran = await runs(version);
          assert.ok(ran <= 1, `it ran ${String(ran)} times`);
          if (state === 'current') assert.equal(ran, 1, 'a release that is current has run its command');
          else assert.match(failure?.code ?? '', /^SLIP_COMMAND_(UNKNOWN|NOT_STARTED)$/, failure?.message);
        }
      });
    }
  }
});
