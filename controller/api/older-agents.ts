import type { ProblemBody } from '../../shared/api/schema.ts';
import { OLDER_HOSTNAMES_MAX } from '../../shared/domain/fleet-routes.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { LiveNode } from '../dispatch/port.ts';

// Agents that read fewer names of one app than the quota domainsPerApp lets an app have. Such an agent refuses the whole route table. Pure.

type RoutedNode = Pick<LiveNode, 'name' | 'state' | 'agentVersion' | 'routeNamesMax'>;

/** Names in one sentence, whatever the size of the fleet. */
const NAMED_NODES = 5;

/** Nodes, also those that are away, whose agents are too old. A node that has never said a version is not known to be one. */
function tooOldFor(domains: number, nodes: readonly RoutedNode[]): readonly RoutedNode[] {
  // One of the names is the app's own.
  const isTooOld = ({ routeNamesMax = 0 }: RoutedNode): boolean => (routeNamesMax || OLDER_HOSTNAMES_MAX) <= domains;
  return nodes.filter((node) => node.state !== 'removed' && node.agentVersion !== '' && isTooOld(node));
}

/** Before the quota of a user is set. @throws SLIP_QUOTA_AGENTS */
export function requireAgentsFor(domains: number, nodes: readonly RoutedNode[]): void {
  const [first, ...others] = tooOldFor(domains, nodes);
  if (first === undefined) return;
  throw new SlipwayError({
    code: 'SLIP_QUOTA_AGENTS',
    kind: 'conflict',
    message: `domainsPerApp cannot be ${String(domains)} yet: the agents of ${listed([first, ...others])} read fewer domains of one app.`,
    hint: `Upgrade them first: slipway nodes:upgrade ${first.name}`,
  });
}

/** The quota of the controller's settings is read before any agent is known. */
export function olderAgentProblems(domains: number, nodes: readonly RoutedNode[]): readonly ProblemBody[] {
  const [first, ...others] = tooOldFor(domains, nodes);
  if (first === undefined) return [];
  const message = `The quota domainsPerApp of the controller's settings is ${String(domains)}, and the agents of ${listed([first, ...others])} read fewer domains of one app: they take over no routes when an app has more than they read.`;
  return [{ message, next: `slipway nodes:upgrade ${first.name}` }];
}

function listed(nodes: readonly RoutedNode[]): string {
  const names = nodes.slice(0, NAMED_NODES).map(({ name }) => name);
  const more = nodes.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${String(more)} more` : ''}`;
}
