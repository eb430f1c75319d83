import type { FleetEvent } from '../../shared/domain/event.ts';
import { oneLine } from '../terminal/escape.ts';
import type { Paint } from '../terminal/paint.ts';
import { renderTime } from '../terminal/time.ts';

const KIND_WIDTH = 18;
const SUBJECT_WIDTH = 14;

/** Oldest first, as in a log. */
export function renderEvents(events: readonly FleetEvent[], paint: Paint): string {
  if (events.length === 0) return 'There are no events that you may see.\n';
  return events.map((event) => renderEvent(event, paint)).join('');
}

/** `2026-11-20 10:00:00  instance.oom        shop web.1      web.1 was killed: … (node fra-2)` */
export function renderEvent(event: FleetEvent, paint: Paint): string {
  const subject = [event.app ?? event.node, event.instance].filter((part) => part !== undefined).join(' ');
  const kind = colourOf(event.kind, paint)(event.kind.padEnd(KIND_WIDTH));
  const by = paint.dim(`(${event.actor})`);
  return `${paint.dim(renderTime(event.atMs))}  ${kind}  ${subject.padEnd(SUBJECT_WIDTH)}  ${oneLine(event.message)} ${by}\n`;
}

const BAD = /\.(?:failed|rolled-back|oom|crashed|stuck|unreachable|lost|disk-full|disk-low)$/;
const GOOD = /\.(?:live|ready|joined)$/;

function colourOf(kind: string, paint: Paint): (text: string) => string {
  if (BAD.test(kind)) return paint.red;
  return GOOD.test(kind) ? paint.green : paint.cyan;
}
