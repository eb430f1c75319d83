import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderDrainStep, renderNodeInfo, renderNodes } from '../../../../cli/nodes/render.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';
import type { NodeBody } from '../../../../shared/api/nodes.ts';
import { MINUTE, NOW, assertScreen, context, node } from '../../../support/cli-screens.ts';

describe('the screen of nodes', () => {
  it('shows the free memory of a node, if the node reports it', () => {
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

describe('one-off commands on a node', () => {
  const run = {
    app: 'shop',
    name: 'run.4',
    kind: 'run',
    release: 3,
    node: 'attic',
    startedAtMs: NOW - MINUTE,
  } as const;
  const info = {
    ...node,
    placed: [],
    commands: [run, { ...run, name: 'cron.report.7', kind: 'cron', stopping: true }],
  } as const;

  it('are listed below its instances', () => {
    const [, below] = renderNodeInfo(info, context).split('=== Instances\n');
    assertScreen(below ?? '', [
      'none',
      '',
      '=== One-off commands',
      'shop  run.4          on attic  for 60 s                    slipway run:logs run.4 -a shop',
      'shop  cron.report.7  on attic  for 60 s  is being stopped  slipway cron:output cron.report.7 -a shop',
    ]);
  });

  it('are named in the progress of a drain', () => {
    assert.deepEqual(renderDrainStep({ ...info, drainUntilMs: NOW }, plainPaint), [
      'run.4 of shop: still runs; it is stopped at 2026-11-20 10:00:00 UTC',
      'cron.report.7 of shop: is being stopped',
    ]);
  });
});

describe('sessions in the instances of a node', () => {
  const session = { app: 'shop', instance: 'web.1', release: 3, node: 'attic', user: 'ada', openedAtMs: NOW - MINUTE };
  const info = { ...node, placed: [], sessions: [{ ...session, purpose: 'shell' } as const] };

  it('are listed', () => {
    const [, below] = renderNodeInfo(info, context).split('=== Instances\n');
    assertScreen(below ?? '', ['none', '', '=== Sessions', 'shop  ada has a terminal in web.1  v3 on attic  for 60 s']);
  });

  it('are named in the progress of a drain', () => {
    assert.deepEqual(renderDrainStep(info, plainPaint), [
      'web.1 of shop: ada has a terminal in web.1; it ends when the instance has moved',
    ]);
  });
});

describe('an agent whose version does not fit the controller', () => {
  const versionTrouble = { message: 'The agent of attic is 0.3.0.', next: 'slipway nodes:upgrade attic' };

  it('is reported below the list of nodes, and with the node', () => {
    const [, , ...below] = renderNodes([{ ...node, versionTrouble }], plainPaint).split('\n');
    assert.deepEqual(below, ['', ' !    The agent of attic is 0.3.0.', '      slipway nodes:upgrade attic', '']);
    assert.match(
      renderNodeInfo({ ...node, versionTrouble, placed: [] }, context),
      /\n\n !    The agent of attic is 0\.3\.0\.\n {6}slipway nodes:upgrade attic\n\n=== Instances/,
    );
  });
});

describe('the facts of a node', () => {
  it('name its system, its agent and driver, its proxy and what is missing', () => {
    const facts = { ...node, kernel: '6.1.0', proxyVersion: '2.6.12', missing: ['haproxy is missing'], placed: [] };
    const screen = renderNodeInfo(facts, context);
    for (const line of [
      /^System: +debian-12-x64, kernel 6\.1\.0$/m,
      /^Agent: +0\.1\.0\+c3e11cb00a2f, lxc$/m,
      /^Proxy: +HAProxy 2\.6\.12$/m,
      /^Missing: +haproxy/m,
    ])
      assert.match(screen, line);
  });

  it('count the requests that its proxy could not read; without such requests, or with an older agent, the line is absent', () => {
    const last = { atMs: NOW - 3 * MINUTE, cause: 'PR--: the request is not valid HTTP' };
    const screen = (unreadableRequests?: NodeBody['unreadableRequests']): string =>
      renderNodeInfo({ ...node, unreadableRequests, placed: [] }, context);
    assert.match(
      screen({ count: 12, last }),
      /^Unreadable requests: +12 since its agent started, the last 3 min ago \(PR--: the request is not valid HTTP\)$/m,
    );
    assert.doesNotMatch(screen({ count: 0 }) + screen(), /Unreadable/);
  });
});
