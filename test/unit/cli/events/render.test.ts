import assert from 'node:assert/strict';
import { it } from 'node:test';
import { escapeAll } from '../../../../cli/terminal/escape.ts';
import { renderEvents } from '../../../../cli/events/render.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';
import type { FleetEvent } from '../../../../shared/domain/event.ts';

const AT = Date.UTC(2026, 10, 20, 10, 0, 0);

it('prints events oldest first, without control characters', () => {
  const events: FleetEvent[] = [
    { seq: 1, atMs: AT, kind: 'release.created', actor: 'ada', app: 'shop', message: 'v3 was made: Deploy abc1234.' },
    {
      seq: 2,
      atMs: AT + 1000,
      kind: 'instance.oom',
      actor: 'node fra-2',
      app: 'shop',
      node: 'fra-2',
      instance: 'web.1',
      message: 'Killed.\u001b[2J',
    },
    {
      seq: 3,
      atMs: AT + 2000,
      kind: 'node.unreachable',
      actor: 'controller',
      node: 'fra-2',
      message: 'Node fra-2 cannot be reached.',
    },
  ];
  assert.equal(
    renderEvents(escapeAll(events), plainPaint),
    [
      '2026-11-20 10:00:00  release.created     shop            v3 was made: Deploy abc1234. (ada)',
      '2026-11-20 10:00:01  instance.oom        shop web.1      Killed.\\x1b[2J (node fra-2)',
      '2026-11-20 10:00:02  node.unreachable    fra-2           Node fra-2 cannot be reached. (controller)',
      '',
    ].join('\n'),
  );
  assert.equal(renderEvents([], plainPaint), 'There are no events that you may see.\n');
});
