import type { ProblemBody } from '../../shared/api/schema.ts';
import { OLDER_HOSTNAMES_MAX, type FrontProxies } from '../../shared/domain/fleet-routes.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { LiveNode } from '../dispatch/port.ts';

// Agents that read fewer names of one app than the quota domainsPerApp allows. Such an agent refuses the whole route table. Pure.

type RoutedNode = Pick<LiveNode, 'name' | 'state' | 'agentVersion' | 'routeNamesMax'>;

/** At most this many nodes are named in one sentence. */
const NAMED_NODES = 5;

/** Nodes whose agents are too old, connected or not. A node that never reported a version is not counted. */
function tooOldFor(domains: number, nodes: readonly RoutedNode[]): readonly RoutedNode[] {
  // One of the names is the app's own name.
  const isTooOld = ({ routeNamesMax = 0 }: RoutedNode): boolean => (routeNamesMax || OLDER_HOSTNAMES_MAX) <= domains;
  return nodes.filter((node) => node.state !== 'removed' && node.agentVersion !== '' && isTooOld(node));
}

/** Refuses a quota that these agents cannot serve. @throws SLIP_QUOTA_AGENTS */
export function requireAgentsFor(domains: number, nodes: readonly RoutedNode[]): void {
  const [first, ...others] = tooOldFor(domains, nodes);
  if (first === undefined) return;
  throw new SlipwayError({
    code: 'SLIP_QUOTA_AGENTS',
    kind: 'conflict',
    message: `domainsPerApp cannot be ${String(domains)} yet: the agents of ${listed([first, ...others])} are too old for so many domains of one app.`,
    hint: `Upgrade them first: slipway nodes:upgrade ${first.name}`,
  });
}

/** The controller reads the quota in its settings before any agent connects, so the status reports a conflict. */
export function olderAgentProblems(domains: number, nodes: readonly RoutedNode[]): readonly ProblemBody[] {
  const [first, ...others] = tooOldFor(domains, nodes);
  if (first === undefined) return [];
  const message = `The quota domainsPerApp in the controller's settings is ${String(domains)}, but the agents of ${listed([first, ...others])} are too old for so many domains of one app. If an app has too many domains, these agents refuse all new routes.`;
  return [{ message, next: `slipway nodes:upgrade ${first.name}` }];
}

/** Refuses a rename that would lose requests. @param nodes that run instances of the app @throws SLIP_APP_RENAME_AGENTS */
export function requireAgentsForRename(app: string, nodes: readonly Pick<LiveNode, 'name' | 'losesRenamed'>[]): void {
  const older = nodes.filter(({ losesRenamed }) => losesRenamed === true);
  const [first] = older;
  if (first === undefined) return;
  throw new SlipwayError({
    code: 'SLIP_APP_RENAME_AGENTS',
    kind: 'conflict',
    message: `${app} cannot get another name yet: requests would be lost, because the agents of ${listed(older)} are too old.`,
    hint: `An administrator can upgrade them: slipway nodes:upgrade ${first.name}`,
  });
}

/** The nodes whose proxies still send requests to an app in maintenance. */
export function maintenanceProblems(
  app: string,
  nodes: readonly Pick<LiveNode, 'name' | 'ignoresMaintenance'>[],
): readonly ProblemBody[] {
  const older = nodes.filter(({ ignoresMaintenance }) => ignoresMaintenance === true);
  const [first] = older;
  if (first === undefined) return [];
  const message = `The agents of ${listed(older)} are too old for maintenance: their proxies still send requests to ${app}.`;
  return [{ message, next: `slipway nodes:upgrade ${first.name}` }];
}

/** The nodes whose proxies redirect nothing, and send no header of HSTS. */
export function httpsRuleProblems(
  app: string,
  nodes: readonly Pick<LiveNode, 'name' | 'ignoresHttpsRules'>[],
): readonly ProblemBody[] {
  const older = nodes.filter(({ ignoresHttpsRules }) => ignoresHttpsRules === true);
  const [first] = older;
  if (first === undefined) return [];
  const message = `The agents of ${listed(older)} are too old for HTTPS: there, no request of ${app} is redirected, and no answer has HSTS.`;
  return [{ message, next: `slipway nodes:upgrade ${first.name}` }];
}

/** The connected nodes whose agents do not know that a cache was purged. */
export function cacheProblems(
  app: string,
  nodes: readonly Pick<LiveNode, 'name' | 'keepsCaches'>[],
): readonly ProblemBody[] {
  const older = nodes.filter(({ keepsCaches }) => keepsCaches === true);
  const [first] = older;
  if (first === undefined) return [];
  const message = `The agents of ${listed(older)} are too old to purge caches: a build of ${app} there uses its old cache.`;
  return [{ message, next: `slipway nodes:upgrade ${first.name}` }];
}

/** The connected nodes whose proxies know only the front proxies of their own settings. */
export function frontProblems(
  { trusted, proxyProtocol }: FrontProxies,
  nodes: readonly Pick<LiveNode, 'name' | 'ignoresEdgeSettings'>[],
): readonly ProblemBody[] {
  const isUsed = trusted.length + proxyProtocol.length > 0;
  const [first, ...others] = isUsed ? nodes.filter(({ ignoresEdgeSettings }) => ignoresEdgeSettings === true) : [];
  if (first === undefined) return [];
  const message = `The agents of ${listed([first, ...others])} are too old for the front proxies of the fleet: there, apps get the address and the protocol of the front proxy.`;
  return [{ message, next: `slipway nodes:upgrade ${first.name}` }];
}

function listed(nodes: readonly Pick<LiveNode, 'name'>[]): string {
  const names = nodes.slice(0, NAMED_NODES).map(({ name }) => name);
  const more = nodes.length - names.length;
  return `${names.join(', ')}${more > 0 ? ` and ${String(more)} more` : ''}`;
}

/** @param inUse an app of the fleet has health checks */
export function uncheckedProblems(
  inUse: boolean,
  nodes: readonly Pick<LiveNode, 'name' | 'checkProbes'>[],
): readonly ProblemBody[] {
  const [first, ...others] = inUse ? nodes.filter(({ checkProbes }) => checkProbes?.length === 0) : [];
  if (first === undefined) return [];
  const message = `The agents of ${listed([first, ...others])} are too old to run health checks: there, an app counts as healthy when its port answers.`;
  return [{ message, next: `slipway nodes:upgrade ${first.name}` }];
}
