import { instanceName } from '../../shared/domain/assignment.ts';
import type { NodeId } from '../../shared/domain/ids.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Fleet, LiveNode } from '../dispatch/port.ts';
import type { App } from '../domain/apps.ts';
import type { Store } from '../store/port.ts';
import { renderDrain } from './push-output.ts';

export interface TellDrainsDeps {
  readonly store: Pick<Store, 'assignmentsOfApp'>;
  readonly fleet: { nodes(): readonly Pick<LiveNode, 'nodeId' | 'name' | 'draining'>[] } & Pick<Fleet, 'onChange'>;
  readonly log: Logger;
}

/**
 * Tells the user who waits for a deploy of each drain that begins meanwhile and moves instances of the app.
 * @returns the function that stops it
 */
export function tellDrains(
  { store, fleet, log }: TellDrainsDeps,
  app: App,
  output: (text: string) => void,
): () => void {
  const draining = (): readonly { nodeId: NodeId; name: string }[] => fleet.nodes().filter((node) => node.draining);
  let known = new Set(draining().map(({ nodeId }) => nodeId));
  const tell = async ({ nodeId, name }: { nodeId: NodeId; name: string }): Promise<void> => {
    const rows = await store.assignmentsOfApp(app.id);
    // During a rollout, the old and the new instance have the same name.
    const moved = new Set(rows.filter((row) => row.nodeId === nodeId && row.desired === 'run').map(instanceName));
    if (moved.size > 0) output(renderDrain(name, [...moved].sort()));
  };
  return fleet.onChange(() => {
    const now = draining();
    for (const node of now.filter(({ nodeId }) => !known.has(nodeId)))
      tell(node).catch((error: unknown) => log.warn({ app: app.name, err: error }, 'deploy.drain_not_told'));
    known = new Set(now.map(({ nodeId }) => nodeId)); // a second drain of a node is told again
  });
}
