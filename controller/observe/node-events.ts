import { nodeActor, type NewEvent } from '../../shared/domain/event.ts';
import type { NodeId } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';
import type { NodeEvent } from '../../shared/rpc/messages.ts';
import { noteEvent } from '../store/note-event.ts';
import type { Store } from '../store/port.ts';
import { FloodGuard, type FloodDeps } from './flood-guard.ts';

const PER_MINUTE = 30;

interface Node {
  readonly id: NodeId;
  readonly name: string;
}

interface SinkDeps extends FloodDeps {
  readonly store: Pick<Store, 'addEvent' | 'appByName' | 'assignmentsOfNode'>;
}

/** Writes the events that agents send. The number of events of one node is limited. */
export function createNodeEventSink(deps: SinkDeps): (node: Node, event: NodeEvent) => void {
  const guard = new FloodGuard(PER_MINUTE, deps);
  return (node, event) => {
    if (!guard.allows(node.name)) return;
    deps.log.warn({ node: node.name, ...event }, 'node.event');
    if (event.app === undefined) noteEvent(deps, eventOfNode(node.name, event));
    else void noteAboutApp(deps, node, { ...event, app: event.app });
  };
}

/** The owner reads the events of an app, so a node may write one only while it has an instance of the app. */
async function noteAboutApp(deps: SinkDeps, node: Node, event: NodeEvent & { readonly app: AppName }): Promise<void> {
  const isOwn = await runsHere(deps, node.id, event.app).catch((error: unknown) => {
    deps.log.error({ node: node.name, err: error }, 'event.lost');
    return undefined;
  });
  if (isOwn === undefined) return;
  noteEvent(deps, eventOfNode(node.name, isOwn ? event : { ...event, app: undefined, process: undefined }));
}

async function runsHere({ store }: SinkDeps, node: NodeId, name: AppName): Promise<boolean> {
  const app = await store.appByName(name);
  return app !== undefined && (await store.assignmentsOfNode(node)).some((row) => row.appId === app.id);
}

/** `SLIP_DISK_LOW` of fra-1 becomes `node.disk-low`. The message is from the agent. The node name and the next command are ours. */
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
    next: `slipway why ${node}`,
    ...(reason.hint === undefined ? {} : { details: { hint: reason.hint } }),
  };
}
