import assert from 'node:assert/strict';
import { it } from 'node:test';
import { renderDestroyed } from '../../../../cli/apps/render-destroyed.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';
import { whyAwaited } from '../../../../controller/observe/why/why-awaited.ts';

it('shows each range of a destroyed app, and which nodes it waits for', () => {
  const destroyed = { uidBase: 536_870_912, destroyedAtMs: 0 };
  const node = { name: 'fra-2', connected: true, removesDestroyed: true, refusedStateReason: undefined };
  const awaited = [
    { node: 'fra-1', why: whyAwaited({ ...node, name: 'fra-1', connected: false }) },
    { node: 'fra-2', why: whyAwaited(node) },
    { node: 'fra-3', why: whyAwaited({ ...node, name: 'fra-3', removesDestroyed: false }) },
  ];
  const apps = [
    { name: 'shop', ...destroyed, awaited },
    { name: 'blog', ...destroyed, uidBase: 536_936_448, freeAtMs: 5, awaited: [] },
  ];
  const text = renderDestroyed(apps, { paint: plainPaint, nowMs: 120_000 });
  assert.deepEqual(
    text.split('\n').map((line) => line.trim()),
    [
      '=== Ranges of user ids of destroyed apps',
      'shop  536870912  destroyed 2 min ago  waits for fra-1: it is not connected; if the machine is gone: slipway nodes:remove fra-1 --force',
      'waits for fra-2: it still removes data of the app',
      'waits for fra-3: its agent is too old to report that all data of the app is removed: slipway nodes:upgrade',
      'blog  536936448  destroyed 2 min ago  free for another app',
      '',
    ],
  );
});
