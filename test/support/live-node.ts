import type { LiveNode } from '../../controller/dispatch/port.ts';
import type { NodeRow } from '../../controller/domain/nodes.ts';
import { NO_FACTS } from '../../shared/domain/node-facts.ts';

/** A connected node without problems, as the dispatcher knows it. */
export function liveNodeOf({ id, name }: Pick<NodeRow, 'id' | 'name'>, change: Partial<LiveNode> = {}): LiveNode {
  return {
    ...NO_FACTS,
    ...{ nodeId: id, name, state: 'ready', connected: true, builder: true, labels: {}, missing: [], load1: 0.1 },
    ...{ cordoned: false, draining: false, lost: false, revoked: false, unreachablePeerIds: [] },
    ...{
      stacks: ['host'],
      platform: 'debian-12-x64',
      memoryBytes: 8e9,
      diskFreeBytes: 5e10,
      sandboxDriver: 'fake',
      proxyVersion: '2.6',
    },
    ...{ agentVersion: '0.1.0+aaaaaaaaaaaa', httpAddress: '127.0.0.1:80', meshAddress: '', removesDestroyed: true },
    ...change,
  };
}
