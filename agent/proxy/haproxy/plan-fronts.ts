import type { FrontProxies } from '../../../shared/domain/fleet-routes.ts';
import { compare } from './compare.ts';

/** What the settings of this node say, in addition to the route table. */
interface OwnFronts {
  readonly trustedFronts: readonly string[];
  readonly proxyProtocolFronts: readonly string[];
}

/** Each address or network once. A front with the PROXY protocol passes on what strangers send, so its headers do not count. */
export function planFronts(own: OwnFronts, fleet: FrontProxies = { trusted: [], proxyProtocol: [] }): FrontProxies {
  const proxyProtocol = union(own.proxyProtocolFronts, fleet.proxyProtocol);
  const trusted = union(own.trustedFronts, fleet.trusted).filter((front) => !proxyProtocol.includes(front));
  return { trusted, proxyProtocol };
}

function union(a: readonly string[], b: readonly string[]): readonly string[] {
  return [...new Set([...a, ...b])].sort(compare);
}
