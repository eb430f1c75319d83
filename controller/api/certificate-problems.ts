import type { ProblemBody } from '../../shared/api/schema.ts';
import type { LiveNode } from '../dispatch/port.ts';

type ServingNode = Pick<LiveNode, 'name' | 'connected' | 'httpsPort' | 'unservedCertificates'>;

/** The connected nodes whose proxies do not serve a certificate of the route table, or serve a former one. Pure. */
export function certificateProblems(nodes: readonly ServingNode[]): readonly ProblemBody[] {
  return nodes.flatMap(({ name, connected, httpsPort = 0, unservedCertificates: unserved = [] }) => {
    const [first] = unserved;
    if (!connected || httpsPort === 0 || first === undefined) return [];
    const former = unserved.filter(({ servedFingerprint }) => servedFingerprint !== undefined).length;
    const count = unserved.length === 1 ? 'a certificate' : `${String(unserved.length)} certificates`;
    const old = former === 0 ? '' : ` It serves the former ${former === 1 ? 'one' : 'ones'} instead.`;
    const message = `Node ${name} does not serve ${count} of the fleet.${old} ${first.reason.message}`;
    return [{ message, next: `slipway nodes:info ${name}` }];
  });
}
