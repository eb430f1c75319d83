import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderPs } from '../../../../cli/ps/render.ts';
import type { InstanceBody } from '../../../../shared/api/formation.ts';
import { MINUTE, NOW, assertScreen, context } from '../../../support/cli-screens.ts';

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

describe('the screen of processes of an app', () => {
  it('shows processes by type, web first, with problems below', () => {
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
        context,
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

  it('says that a process keeps crashing, also while it starts or is up', () => {
    const crashLoop = { crashes: 5, withinMs: 2 * MINUTE };
    const waits: InstanceBody = {
      ...web,
      state: 'backoff',
      startedAtMs: undefined,
      crashLoop: { ...crashLoop, nextStartAtMs: NOW + 20_000 },
    };
    const starts: InstanceBody = { ...web, name: 'web.2', state: 'starting', crashLoop };
    const up: InstanceBody = { ...web, name: 'web.3', crashLoop };
    assertScreen(renderPs('shop', [waits, starts, up], context), [
      '=== web (3): node server.js',
      'web.1: keeps crashing (5 times in 2 min), next start in 20 s, on attic, v3',
      'web.2: keeps crashing (5 times in 2 min), starting now, on attic, v3',
      'web.3: keeps crashing (5 times in 2 min), up again for 2 min, on attic, v3',
    ]);
  });

  it('says why a process was restarted, also if it is up again', () => {
    const restarted = { ...web, restarts: 1, lastExit: { signal: 'SIGKILL', oomKilled: true, atMs: NOW - 2 * MINUTE } };
    const often = { ...web, name: 'web.2', restarts: 2, lastExit: { code: 7, oomKilled: false, atMs: NOW - MINUTE } };
    assert.match(
      renderPs('shop', [], context),
      /git push slipway main\. Or, if every type is scaled to 0: slipway ps:scale TYPE=1 -a shop\n$/,
    );
    assertScreen(renderPs('shop', [restarted, often], context), [
      '=== web (2): node server.js',
      'web.1: up 2026-11-20 09:58:00 (2 min ago), on attic, v3, restarted once (ran out of memory 2 min ago)',
      'web.2: up 2026-11-20 09:58:00 (2 min ago), on attic, v3, restarted 2 times (exited with code 7 60 s ago)',
    ]);
  });
});
