import type { FleetApp, FleetCertificate, FleetRoutes, MeshPeer } from '../../shared/domain/fleet-routes.ts';
import type { AppId, CertificateId, NodeId } from '../../shared/domain/ids.ts';
import type { AppName } from '../../shared/domain/names.ts';

/** @param letters two letters for the id */
export function aPeer(letters: string): MeshPeer {
  return { nodeId: nodeIdOf(letters), name: `node-${letters}`, address: '10.0.0.1', port: 7405 };
}

export function anApp(name: string, nodes: readonly string[]): FleetApp {
  const appId = `app0000${name}` as AppId;
  return { appId, app: name as AppName, hostnames: [`${name}.example.test`], nodeIds: nodes.map(nodeIdOf) };
}

/** @param digit a hexadecimal digit, from which the fingerprint is made */
export function aCertificate(name: string, digit = 'a'): FleetCertificate {
  return { id: `crt0000${name}` as CertificateId, fingerprint: digit.repeat(64), names: [`${name}.example.test`] };
}

/** A thumbprint of an account key. */
export const THUMBPRINT = 'N_LmnGsDFu3wcCY-U0CqLXpKc9iCJ1bSzR5D1YbXxEo';

export function aTable(version: number, fields: Partial<Omit<FleetRoutes, 'version'>>): FleetRoutes {
  return { epoch: { counter: 1, id: 'life' }, version, peers: [], apps: [], refused: [], certificates: [], ...fields };
}

function nodeIdOf(letters: string): NodeId {
  return `node000000${letters}` as NodeId;
}
