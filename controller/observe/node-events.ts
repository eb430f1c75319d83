import { nodeActor, type NewEvent } from '../../shared/domain/event.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { NodeEvent } from '../../shared/rpc/messages.ts';
import { noteEvent } from '../store/note-event.ts';
import type { Store } from '../store/port.ts';

const PER_MINUTE = 30;
const MINUTE_MS = 60_000;

/** What agents want their operator to know becomes events; a node that floods is cut short. */
export function createNodeEventSink(deps: {
  readonly store: Pick<Store, 'addEvent'>;
  readonly clock: Clock;
  readonly log: Logger;
}): (node: { readonly name: string }, event: NodeEvent) => void {
  const windows = new Map<string, { readonly sinceMs: number; count: number }>();
  const isAllowed = (node: string): boolean => {
    const nowMs = deps.clock.monotonicMs();
    const known = windows.get(node);
    const window = known === undefined || nowMs - known.sinceMs > MINUTE_MS ? { sinceMs: nowMs, count: 0 } : known;
    windows.set(node, window);
    window.count += 1;
    return window.count <= PER_MINUTE;
  };
  return (node, event) => {
    deps.log.warn({ node: node.name, ...event }, 'node.event');
    if (isAllowed(node.name)) noteEvent(deps, eventOfNode(node.name, event));
  };
}

/** `SLIP_DISK_LOW` of fra-1 is `node.disk-low`. The message is the agent's; identity is the certificate's. */
export function eventOfNode(node: string, { reason, app, process }: NodeEvent): NewEvent {
  const what = reason.code
    .replace(/^SLIP_/, '')
    .toLowerCase()
    .replaceAll('_', '-');
  return {
    kind: `node.${/^[a-z0-9-]{1,60}$/.test(what) ? what : 'event'}`,
    actor: nodeActor(node),
    node,
    ...(app === undefined ? {} : { app }),
    ...(process === undefined ? {} : { instance: process }),
    message: reason.message,
    ...(reason.hint === undefined ? {} : { next: reason.hint }),
  };
}
