import { z } from 'zod';
import type { AppEgressBody, EgressBody, EgressChangedBody } from '../../../shared/api/egress.ts';
import type { ProblemBody } from '../../../shared/api/schema.ts';
import { contains, neverOpened, parseEgressCidr } from '../../../shared/domain/egress.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { LiveNode } from '../../dispatch/port.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { App } from '../../domain/apps.ts';
import type { User } from '../../domain/users.ts';
import type { ApiDeps } from '../deps.ts';
import { appRoute, userRoute, type Route } from '../route.ts';

const addBody = z.strictObject({ cidr: z.string().max(100) });

/** Private networks that apps and their builds may reach. Users read; only administrators open a network that is theirs to protect. */
export function egressRoutes(deps: ApiDeps): readonly Route[] {
  return [...readRoutes(deps), ...fleetRoutes(deps), ...appRoutes(deps)];
}

function readRoutes({ store }: ApiDeps): readonly Route[] {
  return [
    userRoute({
      method: 'GET',
      url: '/egress',
      auth: 'user',
      action: 'fleet.read',
      handle: async ({ user }): Promise<EgressBody> => {
        const { fleet, apps } = await store.egress();
        return { cidrs: fleet, ...(user.admin ? { apps: apps.map(({ app, cidrs }) => ({ app, cidrs })) } : {}) };
      },
    }),
    appRoute({
      method: 'GET',
      url: '/apps/:app/egress',
      auth: 'user',
      action: 'app.read',
      handle: async ({ app }): Promise<AppEgressBody> => {
        const { fleet, apps } = await store.egress();
        return { app: app.name, cidrs: apps.find((each) => each.app === app.name)?.cidrs ?? [], fleet };
      },
    }),
  ];
}

function fleetRoutes(deps: ApiDeps): readonly Route[] {
  return [
    userRoute({
      method: 'POST',
      url: '/egress',
      auth: 'admin',
      action: 'node.manage',
      body: addBody,
      handle: ({ user, body }) => add(deps, { user, text: body.cidr }),
    }),
    userRoute({
      method: 'DELETE',
      url: '/egress/:cidr',
      auth: 'admin',
      action: 'node.manage',
      handle: ({ user, params }) => remove(deps, { user, text: params['cidr'] ?? '' }),
    }),
  ];
}

function appRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute({
      method: 'POST',
      url: '/apps/:app/egress',
      auth: 'admin',
      action: 'app.write',
      body: addBody,
      handle: ({ app, user, body }) => add(deps, { app, user, text: body.cidr }),
    }),
    appRoute({
      method: 'DELETE',
      url: '/apps/:app/egress/:cidr',
      auth: 'admin',
      action: 'app.write',
      handle: ({ app, user, params }) => remove(deps, { app, user, text: params['cidr'] ?? '' }),
    }),
  ];
}

interface Change {
  /** Absent: the list of the fleet. */
  readonly app?: App | undefined;
  readonly user: User;
  readonly text: string;
}

async function add(deps: ApiDeps, { app, user, text }: Change): Promise<EgressChangedBody> {
  const cidr = parseEgressCidr(text);
  refuseSandboxNetworks(cidr, deps.fleet.nodes());
  await deps.store.addEgress(app?.id, cidr);
  return await changed(deps, { app, user, cidr, message: `${user.name} lets ${nameOf(app)} reach ${cidr}.` });
}

async function remove(deps: ApiDeps, { app, user, text }: Change): Promise<EgressChangedBody> {
  const cidr = parseEgressCidr(text);
  if (!(await deps.store.removeEgress(app?.id, cidr))) throw notThere(cidr, app);
  return await changed(deps, { app, user, cidr, message: `${user.name} closed ${cidr} to ${nameOf(app)}.` });
}

async function changed(
  deps: ApiDeps,
  of: Omit<Change, 'text'> & { cidr: string; message: string },
): Promise<EgressChangedBody> {
  const { app, user, cidr, message } = of;
  noteEvent(deps, { kind: 'egress.changed', actor: user.name, app: app?.name, message, next: listCommand(app) });
  await deps.fleet.egressChanged();
  return { cidr, problems: problems(deps.fleet.nodes()) };
}

/** A larger network may contain the sandboxes' own: each node keeps that part closed. */
function refuseSandboxNetworks(cidr: string, nodes: readonly LiveNode[]): void {
  const node = nodes.find(({ sandboxSubnet = '' }) => sandboxSubnet !== '' && contains(sandboxSubnet, cidr));
  if (node !== undefined) throw neverOpened(cidr, `the sandboxes of node ${node.name} have their own addresses there`);
}

/** Nodes that do not know these lists. */
function problems(nodes: readonly LiveNode[]): readonly ProblemBody[] {
  return nodes
    .filter((node) => node.egressIgnored === true)
    .map(({ name }) => ({
      message: `The agent of node ${name} is too old for this setting: its sandboxes reach what its own configuration opens.`,
      next: `slipway nodes:upgrade ${name}`,
    }));
}

function nameOf(app: App | undefined): string {
  return app === undefined ? 'every app' : app.name;
}

function listCommand(app: App | undefined): string {
  return app === undefined ? 'slipway egress' : `slipway egress -a ${app.name}`;
}

function notThere(cidr: string, app: App | undefined): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_EGRESS_NOT_FOUND',
    httpStatus: 404,
    message: `${cidr} is not in the list of ${app === undefined ? 'the fleet' : app.name}.`,
    hint: `See the list with: ${listCommand(app)}`,
  });
}
