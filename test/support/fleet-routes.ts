import type { FleetApp, FleetRoutes, MeshPeer } from '../../shared/domain/fleet-routes.ts';
import type { AppId, NodeId } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';

/** @param letters two letters for the id */
export function aPeer(letters: string): MeshPeer {
  return { nodeId: nodeIdOf(letters), name: `node-${letters}`, address: '10.0.0.1', port: 7405 };
}

export function anApp(name: string, nodes: readonly string[]): FleetApp {
  const appId = `app0000${name}` as AppId;
  return { appId, app: name as AppName, hostnames: [`${name}.example.test`], nodeIds: nodes.map(nodeIdOf) };
}

export function aTable(version: number, fields: Partial<Omit<FleetRoutes, 'version'>>): FleetRoutes {
  return { epoch: { counter: 1, id: 'life' }, version, peers: [], apps: [], refused: [], ...fields };
}

function nodeIdOf(letters: string): NodeId {
  return `node000000${letters}` as NodeId;
}
