import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderStatus } from '../../../../cli/status/render.ts';
import type { StatusBody } from '../../../../shared/api/observe.ts';
import { MINUTE, NOW, app, assertScreen, context, node } from '../../../support/cli-screens.ts';

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

  it('says that all is well', () => {
    assertScreen(renderStatus(status, context), ['All is well.', '', ...rest]);
  });

  it('does not count an instance as ready while its health checks fail', () => {
    const [shop] = status.apps;
    const line = (ready: number): string =>
      renderStatus({ ...status, apps: [{ ...shop!, live: 2, ready, stopped: ['worker'] }] }, context).split(
        '=== Apps\n',
      )[1] ?? '';
    assert.match(line(1), /^shop {2}v3 {2}1\/2 ready, worker stopped/);
    assert.match(line(2), /^shop {2}v3 {2}2\/2 up, worker stopped/);
  });

  it('names the one-off commands that run, with the command for their output', () => {
    const run = {
      app: 'shop',
      name: 'run.4',
      kind: 'run',
      release: 3,
      node: 'attic',
      startedAtMs: NOW - MINUTE,
    } as const;
    const commands = [{ ...run, name: 'release.3', kind: 'release' } as const, { ...run, stopping: true }];
    assertScreen(renderStatus({ ...status, commands, moreCommands: 2 }, context), [
      'All is well.',
      '',
      ...rest,
      '',
      '=== One-off commands',
      'shop  release.3  on attic  for 60 s                    slipway releases:output v3 -a shop',
      'shop  run.4      on attic  for 60 s  is being stopped  slipway run:logs run.4 -a shop',
      '… and 2 more one-off commands',
    ]);
  });

  it('names the sessions in instances', () => {
    const session = {
      app: 'shop',
      instance: 'web.1',
      release: 3,
      node: 'attic',
      user: 'ada',
      openedAtMs: NOW - MINUTE,
    };
    const sessions = [
      { ...session, purpose: 'copy' },
      { ...session, purpose: 'unknown' },
    ] as const;
    assertScreen(renderStatus({ ...status, sessions: [...sessions], moreSessions: 2 }, context), [
      'All is well.',
      '',
      ...rest,
      '',
      '=== Sessions',
      'shop  ada copies files of web.1  v3 on attic  for 60 s',
      'shop  ada uses web.1             v3 on attic  for 60 s',
      '… and 2 more sessions',
    ]);
  });

  it('shows problems first, with the next command', () => {
    const problems = [
      { message: 'shop: web.2 on attic is down. It ran out of memory.', next: 'slipway logs -a shop -p web.2' },
    ];
    assertScreen(renderStatus({ ...status, problems }, context), [
      ' !    shop: web.2 on attic is down. It ran out of memory.',
      '      slipway logs -a shop -p web.2',
      '',
      ...rest,
    ]);
  });
});
