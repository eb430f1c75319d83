import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { FailpointFile } from '../../support/failpoint-file.ts';
import { TestFleet } from '../../support/fleet.ts';
import { helloApp, type Repository } from '../../support/fleet-user.ts';

/** Every named stage of a postdeploy in each process. No other command reaches these stages here. */
const ROUNDS = Number(process.env['SLIPWAY_CRASH_ROUNDS'] ?? '1');
/** A script is a command like the release command, and release-phase.test.ts kills at every stage of that one. */
const CONTROLLER_STAGES = [
  'release.current',
  ...(ROUNDS > 1 ? ['command.recorded', 'command.running', 'command.sent'] : []),
  'command.ended',
  'postdeploy.ended',
];
const AGENT_STAGES = [
  ...(ROUNDS > 1 ? ['agent.commandAccepted', 'agent.commandStarting'] : []),
  'agent.commandStarted',
  ...(ROUNDS > 1 ? ['agent.commandEnded', 'agent.commandRecorded'] : []),
];

interface Scripts {
  readonly postdeploy?: string;
  readonly dokku?: { readonly predeploy?: string; readonly postdeploy?: string };
}

const app = (version: string, scripts: Scripts, release = ''): Record<string, string> => ({
  ...helloApp(version),
  Procfile: `web: node server.js\n${release === '' ? '' : `release: ${release}\n`}`,
  'app.json': JSON.stringify({ scripts }),
  'say.sh': 'echo "$1 of $HEROKU_RELEASE_VERSION in $DYNO"\nexit "${2:-0}"\n',
  'wait.sh': 'echo waiting\nexec sleep 9999\n',
});

const ALL: Scripts = {
  postdeploy: 'sh say.sh setup',
  dokku: { predeploy: 'sh say.sh predeploy', postdeploy: 'sh say.sh postdeploy' },
};

interface ReleaseRow {
  readonly version: number;
  readonly state: string;
}

interface RunRow {
  readonly name: string;
  readonly state: string;
  readonly failure?: { readonly code: string };
}

describe('scripts of app.json', () => {
  let fleet: TestFleet;
  let hello: Repository;
  let failpoints: FailpointFile;
  let content = 10;

  before(async () => {
    failpoints = await FailpointFile.open();
    fleet = await TestFleet.start({ controller: { rollout: { settleMs: 200, bakeMs: 200 } }, env: failpoints.env });
    hello = await fleet.me.repository('hello', app('1', ALL, 'sh say.sh release'));
  });
  after(async () => {
    await fleet.stop();
    await failpoints.remove();
  });

  const killAt = (stage: string): Promise<void> => failpoints.killAt(stage);
  const newest = async (): Promise<ReleaseRow> =>
    ((await fleet.api('GET', '/apps/hello/releases?limit=1')) as ReleaseRow[])[0] ?? assert.fail('no release');
  const commands = async (): Promise<readonly RunRow[]> =>
    (await fleet.api('GET', '/apps/hello/runs?limit=50')) as RunRow[];

  it('run in the order of Dokku, and scripts.postdeploy of Heroku after the first deploy', async () => {
    const { ok, text } = await hello.push('hello');
    assert.ok(ok, `${text}\n${fleet.logs()}`);
    const order = [
      /Running scripts\.dokku\.predeploy of app\.json/,
      /Files that it changes are not kept/,
      /predeploy of v1 in release\.predeploy\.1/,
      /release of v1 in release\.1/,
      /Released v1/,
      /setup of v1 in release\.setup\.1/,
      /postdeploy of v1 in release\.postdeploy\.1/,
    ].map((line) => text.search(line));
    assert.ok(
      order.every((at, index) => at >= 0 && at > (order[index - 1] ?? -1)),
      `${order.join(' ')}\n${text}`,
    );
    assert.doesNotMatch(text, /does not use/);
    const output = await fleet.slipway('releases:output', 'v1', '-a', 'hello');
    assert.match(output, /=== release\.predeploy\.1: scripts\.dokku\.predeploy of app\.json\npredeploy of v1/);
    assert.match(output, /=== release\.1: release of the Procfile\nrelease of v1/);
    assert.match(output, /=== release\.setup\.1: scripts\.postdeploy of app\.json\nsetup of v1/);
    assert.match(await fleet.slipway('run:list', '-a', 'hello'), /release\.postdeploy\.1/);
  });

  it('run again for the next push, without scripts.postdeploy, and not for a config change or a rollback', async () => {
    await hello.commit(app('2', ALL, 'sh say.sh release'));
    const { ok, text } = await hello.push('hello');
    assert.ok(ok, text);
    assert.match(text, /predeploy of v2[^]*postdeploy of v2/);
    assert.doesNotMatch(text, /setup of v2/);
    await fleet.slipway('config:set', 'A=1', '-a', 'hello');
    await fleet.slipway('rollback', 'v1', '-a', 'hello');
    const names = (await commands()).map(({ name }) => name);
    assert.deepEqual(
      names.filter((name) => /\.[34]$/.test(name)),
      ['release.4', 'release.3'],
    );
  });

  it('fail the release when predeploy fails: the old release keeps serving', async () => {
    await hello.commit(app('3', { dokku: { predeploy: 'sh say.sh predeploy 3' } }));
    const { ok, text } = await hello.push('hello');
    assert.equal(ok, false, text);
    assert.match(text, /scripts\.dokku\.predeploy failed: release\.predeploy\.5 of hello exited with status 3\./);
    assert.match(text, /v5 failed\. v4 keeps serving\./);
    assert.match((await fleet.site.get('hello')).body, /^version=1 /);
  });

  it('leave the release live when postdeploy fails: the push says it and is accepted', async () => {
    await hello.commit(app('4', { dokku: { postdeploy: 'sh say.sh postdeploy 4' } }));
    const { ok, text } = await hello.push('hello');
    assert.ok(ok, text);
    assert.match(text, /scripts\.dokku\.postdeploy failed: release\.postdeploy\.6 of hello exited with status 4\./);
    assert.match(text, /This does not change v6,/);
    assert.match((await fleet.site.get('hello')).body, /^version=4 /);
    assert.match(
      await fleet.slipway('events', '-a', 'hello'),
      /scripts\.dokku\.postdeploy failed: release\.postdeploy\.6/,
    );
    const said = /scripts\.dokku\.postdeploy of v6 failed\. release\.postdeploy\.6 of hello exited with status 4\./;
    for (const command of [['status'], ['why', 'hello']]) {
      for (const flags of [[], ['--json']]) {
        const shown = await fleet.slipway(...command, ...flags);
        assert.match(shown, said);
        assert.match(shown, /slipway releases:output v6 -a hello/);
      }
    }
  });

  it('continue when the client leaves after the release is live, until run:stop', async () => {
    await hello.commit(app('5', { dokku: { postdeploy: 'sh wait.sh' } }));
    const pushing = hello.startPush('hello');
    await pushing.saw(/waiting/);
    pushing.interrupt();
    await pushing.result;
    assert.match(await fleet.slipway('ps', '-a', 'hello'), /release\.postdeploy\.7/);
    await fleet.slipway('run:stop', 'release.postdeploy.7', '-a', 'hello');
    assert.equal((await ended('release.postdeploy.7')).state, 'cancelled');
    assert.deepEqual([(await newest()).version, (await newest()).state], [7, 'current']);
    assert.doesNotMatch(await fleet.slipway('status'), /postdeploy/, 'neither the failed one nor the stopped one');
  });

  async function ended(name: string): Promise<RunRow> {
    return await eventually(`${name} ends`, async () => {
      const row = (await commands()).find((each) => each.name === name);
      return row === undefined || ['pending', 'running'].includes(row.state) ? undefined : row;
    });
  }

  for (const [program, stages] of [
    ['controller', CONTROLLER_STAGES],
    ['agent', AGENT_STAGES],
  ] as const) {
    for (const stage of stages) {
      it(`never run twice when the ${program} is killed at ${stage} in a postdeploy, and the release stays live`, async () => {
        for (let round = 0; round < ROUNDS; round += 1) {
          const version = (await newest()).version + 1;
          content += 1;
          await hello.commit(app(String(content), { dokku: { postdeploy: 'sh say.sh postdeploy' } }));
          await killAt(stage);
          const pushing = hello.push('hello');
          await (program === 'controller' ? fleet.controllerGone() : fleet.agentGone());
          await killAt('');
          if (program === 'controller') await fleet.startController();
          else await fleet.startAgentAlone();
          await fleet.untilConnected();
          await pushing;
          const name = `release.postdeploy.${String(version)}`;
          const { state, failure } = await ended(name);
          const log = await fleet.pastLogs('-a', 'hello', '-p', name, '-n', '100');
          const ran = log.split(`postdeploy of v${String(version)} `).length - 1;
          assert.ok(ran <= 1, `it ran ${String(ran)} times`);
          const output = await fleet.slipway('releases:output', `v${String(version)}`, '-a', 'hello');
          const printed = output.split(`postdeploy of v${String(version)} `).length - 1;
          if (state === 'succeeded') assert.deepEqual([ran, printed], [1, 1], output);
          else assert.match(failure?.code ?? '', /^SLIP_COMMAND_(UNKNOWN|NOT_STARTED)$/);
          assert.deepEqual([(await newest()).version, (await newest()).state], [version, 'current']);
        }
      });
    }
  }
});
