import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderAppInfo, renderApps } from '../../../cli/apps/render.ts';
import { renderConfig } from '../../../cli/config/render.ts';
import { renderConfigForShell } from '../../../cli/terminal/shell-assignments.ts';
import { renderNodes } from '../../../cli/nodes/render.ts';
import { renderBuilds } from '../../../cli/builds/render.ts';
import { renderReleases } from '../../../cli/releases/render.ts';
import { renderBuilders } from '../../../cli/builders/render.ts';
import { renderNodeInfo } from '../../../cli/nodes/render.ts';
import { plainPaint } from '../../../cli/terminal/paint.ts';
import { renderPs } from '../../../cli/ps/render.ts';
import { renderStatus } from '../../../cli/status/render.ts';
import type { AppBody } from '../../../shared/api/apps.ts';
import type { BuildBody } from '../../../shared/api/builds.ts';
import type { InstanceBody } from '../../../shared/api/formation.ts';
import type { NodeBody } from '../../../shared/api/nodes.ts';
import type { StatusBody } from '../../../shared/api/observe.ts';
import type { ReleaseBody } from '../../../shared/api/releases.ts';

const NOW = Date.UTC(2026, 10, 20, 10, 0, 0);
const MINUTE = 60_000;
const look = { paint: plainPaint, nowMs: NOW };

const app: AppBody = {
  name: 'shop',
  owner: 'ada',
  stack: 'host',
  createdAtMs: NOW - 600 * MINUTE,
  webUrl: 'http://shop.localhost:8080',
  gitUrl: 'ssh://slipway@127.0.0.1:2222/shop.git',
};

const release: ReleaseBody = {
  version: 3,
  state: 'current',
  description: 'Deploy abc1234',
  user: 'ada',
  commit: 'abc1234'.padEnd(40, '0'),
  createdAtMs: NOW - 3 * MINUTE,
};

const node: NodeBody = {
  name: 'attic',
  state: 'ready',
  connected: true,
  builder: true,
  platform: 'debian-12-x64',
  sandboxDriver: 'lxc',
  agentVersion: '0.1.0+c3e11cb00a2f',
  diskFreeBytes: 48_200_000_000,
  load1: 0.25,
  labels: {},
  joinedAtMs: 0,
  missing: [],
};

const web: InstanceBody = {
  name: 'web.1',
  type: 'web',
  release: 3,
  node: 'attic',
  command: 'node server.js',
  state: 'live',
  desired: 'run',
  startedAtMs: NOW - 2 * MINUTE,
  restarts: 0,
};

/** Screens are compared as a reader sees them. */
function assertScreen(actual: string, lines: readonly string[]): void {
  assert.equal(actual, lines.map((line) => `${line}\n`).join(''));
}

describe('screens of the CLI', () => {
  it('lists apps', () => {
    assertScreen(renderApps([app, { ...app, name: 'a-longer-name', owner: 'bob' }], plainPaint), [
      '=== Apps',
      'shop           ada  http://shop.localhost:8080',
      'a-longer-name  bob  http://shop.localhost:8080',
    ]);
    assertScreen(renderApps([], plainPaint), ['You have no apps. Create one with: slipway create']);
  });

  it('shows one app, leaving out what is not known', () => {
    const info = { ...app, release, formation: { web: 2 }, buildpacks: ['Node.js'], slugSizeBytes: 13_400_000 };
    assertScreen(renderAppInfo(info, plainPaint, NOW), [
      '=== shop',
      'Release:     v3, Deploy abc1234, 3 min ago',
      'Web URL:     http://shop.localhost:8080',
      'Git URL:     ssh://slipway@127.0.0.1:2222/shop.git',
      'Owner:       ada',
      'Stack:       host',
      'Buildpacks:  Node.js',
      'Processes:   web=2',
      'Slug size:   13.4 MB',
      'Created:     2026-11-20 00:00:00',
    ]);
  });

  it('shows processes by type, web first, with what is wrong below', () => {
    const worker: InstanceBody = {
      ...web,
      ...{
        name: 'worker.1',
        type: 'worker',
        command: 'node worker.js',
        state: 'backoff',
        restarts: 3,
        startedAtMs: undefined,
      },
      reason: { code: 'SLIP_APP_CRASHED', message: 'It exited with code 1.', hint: 'See: slipway logs -a shop' },
    };
    const old: InstanceBody = { ...web, release: 2, desired: 'standby' };
    assertScreen(
      renderPs(
        'shop',
        [worker, web, { ...web, name: 'web.10' }, { ...web, name: 'web.2', state: 'unknown' }, old],
        look,
      ),
      [
        '=== web (3): node server.js',
        'web.1: up 2026-11-20 09:58:00 (2 min ago), on attic, v2, standby for a rollback',
        'web.1: up 2026-11-20 09:58:00 (2 min ago), on attic, v3',
        'web.2: unknown 2026-11-20 09:58:00 (2 min ago), on attic, v3',
        'web.10: up 2026-11-20 09:58:00 (2 min ago), on attic, v3',
        '',
        '=== worker (1): node worker.js',
        'worker.1: crashed, on attic, v3, restarted 3 times',
        '      It exited with code 1. See: slipway logs -a shop',
      ],
    );
  });

  it('says of a process that keeps crashing that it does, also while it starts or is up', () => {
    const crashLoop = { crashes: 5, withinMs: 2 * MINUTE };
    const waits: InstanceBody = {
      ...web,
      state: 'backoff',
      startedAtMs: undefined,
      crashLoop: { ...crashLoop, nextStartAtMs: NOW + 20_000 },
    };
    const starts: InstanceBody = { ...web, name: 'web.2', state: 'starting', crashLoop };
    const up: InstanceBody = { ...web, name: 'web.3', crashLoop };
    assertScreen(renderPs('shop', [waits, starts, up], look), [
      '=== web (3): node server.js',
      'web.1: keeps crashing (5 times in 2 min), next start in 20 s, on attic, v3',
      'web.2: keeps crashing (5 times in 2 min), starting now, on attic, v3',
      'web.3: keeps crashing (5 times in 2 min), up again for 2 min, on attic, v3',
    ]);
  });

  it('says why a process was restarted, when it is up again', () => {
    const restarted = { ...web, restarts: 1, lastExit: { signal: 'SIGKILL', oomKilled: true, atMs: NOW - 2 * MINUTE } };
    const often = { ...web, name: 'web.2', restarts: 2, lastExit: { code: 7, oomKilled: false, atMs: NOW - MINUTE } };
    assert.match(
      renderPs('shop', [], look),
      /git push slipway main\. Or, if every type is scaled to 0: slipway ps:scale TYPE=1 -a shop\n$/,
    );
    assertScreen(renderPs('shop', [restarted, often], look), [
      '=== web (2): node server.js',
      'web.1: up 2026-11-20 09:58:00 (2 min ago), on attic, v3, restarted once (ran out of memory 2 min ago)',
      'web.2: up 2026-11-20 09:58:00 (2 min ago), on attic, v3, restarted 2 times (exited with code 7 60 s ago)',
    ]);
  });

  it('lists releases and builds with their failures', () => {
    const failed: ReleaseBody = {
      ...release,
      version: 4,
      state: 'failed',
      failure: { code: 'X', message: 'web.1 never bound its port.' },
    };
    assertScreen(renderReleases('shop', [failed, release], look), [
      '=== shop releases',
      'v4  failed   Deploy abc1234  ada  3 min ago  web.1 never bound its port.',
      'v3  current  Deploy abc1234  ada  3 min ago',
    ]);
    assertScreen(renderReleases('shop', [release], { ...look, isEnd: true }), [
      '=== shop releases',
      'v3  current  Deploy abc1234  ada  3 min ago',
      'Kept are the newest 200 releases, and older ones that serve, that have instances, or that served last.',
    ]);
    const build: BuildBody = {
      id: 'b1',
      state: 'running',
      commit: release.commit,
      user: 'ada',
      createdAtMs: NOW - MINUTE,
      timingsMs: {},
    };
    const done: BuildBody = { ...build, id: 'b0', state: 'succeeded', finishedAtMs: NOW - 45_000 };
    assertScreen(renderBuilds('shop', [build, done], look), [
      '=== shop builds',
      'b1  running    abc1234  ada  60 s ago',
      'b0  succeeded  abc1234  ada  60 s ago  took 15 s',
    ]);
  });

  it('shows config for people and for shells', () => {
    const config = { config: { A: '1', GREETING: "it's here" } };
    assertScreen(renderConfig('shop', config, plainPaint), [
      '=== shop config vars',
      'A:         1',
      "GREETING:  it's here",
    ]);
    assertScreen(renderConfigForShell(config), ['A=1', `GREETING='it'\\''s here'`]);
  });

  it('shows what a node has left, once it has said so', () => {
    assertScreen(renderNodes([{ ...node, memoryFreeBytes: 1_234_000_000, instances: 3 }], plainPaint), [
      '=== Nodes',
      'attic  connected  lxc, builder  0.1.0 on debian-12-x64  48.2 GB disk, 1.2 GB memory free  load 0.25, 3 up',
    ]);
  });

  it('lists nodes', () => {
    const lost: NodeBody = { ...node, name: 'fra-1', connected: false, lastSeenMsAgo: 3 * MINUTE };
    assertScreen(renderNodes([node, lost], plainPaint), [
      '=== Nodes',
      'attic  connected      lxc, builder  0.1.0 on debian-12-x64  48.2 GB free  load 0.25',
      'fra-1  not connected  lxc, builder  0.1.0 on debian-12-x64  48.2 GB free  load 0.25  last heard 3 min ago',
    ]);
  });
});

describe('an agent that does not go with the controller', () => {
  const versionTrouble = { message: 'The agent of attic is 0.3.0.', next: 'slipway nodes:upgrade attic' };

  it('is told of below the nodes, and with the node', () => {
    const [, , ...below] = renderNodes([{ ...node, versionTrouble }], plainPaint).split('\n');
    assert.deepEqual(below, ['', ' !    The agent of attic is 0.3.0.', '      slipway nodes:upgrade attic', '']);
    assert.match(
      renderNodeInfo({ ...node, versionTrouble, placed: [] }, look),
      /\n\n !    The agent of attic is 0\.3\.0\.\n {6}slipway nodes:upgrade attic\n\n=== Instances/,
    );
  });
});

describe('the builders', () => {
  const builds = { name: 'attic' };
  const lacks = { name: 'fra-1', whyNot: 'it has no label role, role=build is required' };

  it('are named with why not, and what it means when there is none', () => {
    assertScreen(renderBuilders({ require: { role: 'build' }, nodes: [builds, lacks] }, plainPaint), [
      '=== Builders',
      'Only nodes with role=build may build.',
      'attic  builds',
      'fra-1  does not  it has no label role, role=build is required',
    ]);
    assertScreen(renderBuilders({ require: { role: 'build' }, nodes: [lacks] }, plainPaint), [
      '=== Builders',
      'Only nodes with role=build may build.',
      'fra-1  does not  it has no label role, role=build is required',
      '',
      ' !    No node may build now, so every push is refused.',
      '      slipway builders:set --any',
    ]);
  });
});

describe('the facts of a node', () => {
  it('name its system, its agent and driver, its proxy and what is missing', () => {
    const facts = { ...node, kernel: '6.1.0', proxyVersion: '2.6.12', missing: ['haproxy is missing'], placed: [] };
    const screen = renderNodeInfo(facts, look);
    for (const line of [
      /^System: +debian-12-x64, kernel 6\.1\.0$/m,
      /^Agent: +0\.1\.0\+c3e11cb00a2f, lxc$/m,
      /^Proxy: +HAProxy 2\.6\.12$/m,
      /^Missing: +haproxy/m,
    ])
      assert.match(screen, line);
  });

  it('count the requests that its proxy could not read; without any, and from an older agent, there is no such line', () => {
    const last = { atMs: NOW - 3 * MINUTE, cause: 'PR--: the request is not valid HTTP' };
    const screen = (unreadableRequests?: NodeBody['unreadableRequests']): string =>
      renderNodeInfo({ ...node, unreadableRequests, placed: [] }, look);
    assert.match(
      screen({ count: 12, last }),
      /^Unreadable requests: +12 since its agent started, the last 3 min ago \(PR--: the request is not valid HTTP\)$/m,
    );
    assert.doesNotMatch(screen({ count: 0 }) + screen(), /Unreadable/);
  });
});

describe('the status screen', () => {
  const status: StatusBody = {
    controller: { version: '0.1.0', uptimeMs: 3 * 3600_000 },
    problems: [],
    nodes: [node],
    apps: [
      {
        name: 'shop',
        release: 3,
        live: 1,
        desired: 2,
        nodes: ['attic'],
        lastDeployAtMs: NOW - 3 * MINUTE,
        webUrl: app.webUrl,
      },
      { name: 'new-one', live: 0, desired: 0, nodes: [], webUrl: 'http://new-one.localhost:8080' },
    ],
  };
  const rest = [
    '=== Controller',
    'version 0.1.0, up 3 h',
    '',
    '=== Nodes',
    'attic  connected  lxc, builder  0.1.0 on debian-12-x64  48.2 GB free  load 0.25',
    '',
    '=== Apps',
    'shop     v3            1/2 up  on attic  released 3 min ago  http://shop.localhost:8080',
    'new-one  not deployed                                        http://new-one.localhost:8080',
  ];

  it('says so when all is well', () => {
    assertScreen(renderStatus(status, look), ['All is well.', '', ...rest]);
  });

  it('puts what is wrong first, with the next command', () => {
    const problems = [
      { message: 'shop: web.2 on attic is down. It ran out of memory.', next: 'slipway logs -a shop -p web.2' },
    ];
    assertScreen(renderStatus({ ...status, problems }, look), [
      ' !    shop: web.2 on attic is down. It ran out of memory.',
      '      slipway logs -a shop -p web.2',
      '',
      ...rest,
    ]);
  });
});
