import { contains, neverOpened, parseEgressCidr } from '../../../shared/domain/egress.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { LiveNode } from '../../dispatch/port.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { App } from '../../domain/apps.ts';
import type { User } from '../../domain/users.ts';
import type { ApiDeps } from '../deps.ts';

type Deps = Pick<ApiDeps, 'store' | 'fleet' | 'log'>;

interface Change {
  /** Absent: the change applies to every app. */
  readonly app?: App | undefined;
  readonly user: User;
  readonly text: string;
}

export interface EgressChange {
  readonly cidr: string;
  /** Nodes whose agents are too old for these lists. */
  readonly outdatedNodes: readonly string[];
}

/** Opens a private network. @throws SLIP_EGRESS_NEVER */
export async function addEgress(deps: Deps, { app, user, text }: Change): Promise<EgressChange> {
  const cidr = parseEgressCidr(text);
  refuseSandboxNetworks(cidr, deps.fleet.nodes());
  await deps.store.addEgress(app?.id, cidr);
  return await applyEgress(deps, { app, user, cidr, message: `${user.name} lets ${nameOf(app)} reach ${cidr}.` });
}

export async function removeEgress(deps: Deps, { app, user, text }: Change): Promise<EgressChange> {
  const cidr = parseEgressCidr(text);
  if (!(await deps.store.removeEgress(app?.id, cidr))) throw cidrNotFound(cidr, app);
  return await applyEgress(deps, { app, user, cidr, message: `${user.name} closed ${cidr} to ${nameOf(app)}.` });
}

async function applyEgress(
  deps: Deps,
  { app, user, cidr, message }: Omit<Change, 'text'> & { readonly cidr: string; readonly message: string },
): Promise<EgressChange> {
  noteEvent(deps, { kind: 'egress.changed', actor: user.name, app: app?.name, message, next: listCommand(app) });
  await deps.fleet.egressChanged();
  const outdated = deps.fleet.nodes().filter((node) => node.egressIgnored === true);
  return { cidr, outdatedNodes: outdated.map(({ name }) => name) };
}

/** A larger network may contain the network of the sandboxes. Each node keeps that part closed. */
function refuseSandboxNetworks(cidr: string, nodes: readonly LiveNode[]): void {
  const node = nodes.find(({ sandboxSubnet = '' }) => sandboxSubnet !== '' && contains(sandboxSubnet, cidr));
  if (node !== undefined) throw neverOpened(cidr, `the sandboxes of node ${node.name} have their own addresses there`);
}

function nameOf(app: App | undefined): string {
  return app === undefined ? 'every app' : app.name;
}

function listCommand(app: App | undefined): string {
  return app === undefined ? 'slipway egress' : `slipway egress -a ${app.name}`;
}

function cidrNotFound(cidr: string, app: App | undefined): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_EGRESS_NOT_FOUND',
    httpStatus: 404,
    message: `${cidr} is not in the list of ${app === undefined ? 'the fleet' : app.name}.`,
    hint: `See the list with: ${listCommand(app)}`,
  });
}
