import type { BuildersBody } from '../../shared/api/builds.ts';
import type { EgressChangedBody } from '../../shared/api/egress.ts';
import type { JoinBody } from '../../shared/api/machines.ts';
import type { NodeInfoBody, PlacedBody } from '../../shared/api/nodes.ts';
import type { ProblemBody } from '../../shared/api/schema.ts';
import { instanceName } from '../../shared/domain/assignment.ts';
import type { LiveNode } from '../dispatch/port.ts';
import type { ApiConfig, LookDeps } from './deps.ts';
import type { BuilderOverview } from './operations/builders.ts';
import type { DomainRouting } from './operations/domains.ts';
import type { EgressChange } from './operations/egress.ts';
import type { Membership } from './operations/joining.ts';
import type { NodeDescription, PlacedInstance } from './operations/nodes.ts';
import { routeProblems } from './route-problems.ts';
import { sessionsField } from './sessions.ts';
import { viewRunningCommand } from './running-commands.ts';
import { viewNode } from './views.ts';

/** The values of operations as bodies of `/v1`. Another surface has its own views. */

export function viewNodeInfo(
  { node, live, placed, commands, sessions }: NodeDescription,
  deps: Pick<LookDeps, 'builderPool' | 'fleet' | 'clock'>,
): NodeInfoBody {
  const { drainUntilMs } = node;
  return {
    ...viewNode(node, live, deps),
    ...{ drainUntilMs, machine: live?.machine, placed: placed.map(viewPlaced) },
    commands: commands.map((row) => viewRunningCommand(row, node.name)),
    ...sessionsField(sessions),
    ...unservedField(live?.unservedCertificates ?? []),
  };
}

function unservedField(unserved: NonNullable<LiveNode['unservedCertificates']>): Partial<NodeInfoBody> {
  if (unserved.length === 0) return {};
  return {
    unservedCertificates: unserved.map(({ id, reason, servedFingerprint }) => ({
      ...{ id, message: reason.message, servedFingerprint },
    })),
  };
}

function viewPlaced({ row, ...placed }: PlacedInstance): PlacedBody {
  return { ...placed, name: instanceName(row), release: row.release, desired: row.desired };
}

export function viewBuilders({ required, nodes }: BuilderOverview): BuildersBody {
  return { require: required, nodes };
}

export function viewEgressChange({ cidr, outdatedNodes }: EgressChange): EgressChangedBody {
  const problems = outdatedNodes.map((name) => ({
    message: `The agent of node ${name} is too old for this setting: its sandboxes reach what its own configuration opens.`,
    next: `slipway nodes:upgrade ${name}`,
  }));
  return { cidr, problems };
}

/** What keeps the domains of an app from being routed everywhere. */
export function viewRouting({ app, leftOut, nodes }: DomainRouting): readonly ProblemBody[] {
  const own =
    leftOut === undefined ? [] : [{ message: leftOut.message, next: leftOut.hint ?? `slipway why ${app.name}` }];
  return [...own, ...routeProblems(nodes)];
}

export function viewMembership(
  { node, certificatePem, caPem }: Membership,
  { grpcAddress }: Pick<ApiConfig, 'grpcAddress'>,
): JoinBody {
  return { nodeId: node.id, nodeName: node.name, certificate: certificatePem, ca: caPem, grpcAddress };
}
