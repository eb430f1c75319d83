import { z } from 'zod';
import type {
  DomainAddedBody,
  DomainRemovedBody,
  DomainsBody,
  DomainsClearedBody,
} from '../../../shared/api/domains.ts';
import type { ProblemBody } from '../../../shared/api/schema.ts';
import { parseDomain, quoteInput } from '../../../shared/domain/names.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { App } from '../../domain/apps.ts';
import type { User } from '../../domain/users.ts';
import type { ApiConfig, ApiDeps } from '../deps.ts';
import { routeProblems } from '../route-problems.ts';
import { appRoute, type Route } from '../route.ts';

const addBody = z.strictObject({ hostname: z.string().max(300) });
/** Names that the fleet uses among its nodes. */
const OWN_SUFFIX = 'slipway.internal';

export function domainRoutes(config: ApiConfig, deps: ApiDeps): readonly Route[] {
  return [list(config, deps), add(config, deps), remove(deps), clear(deps)];
}

function list({ baseDomain }: ApiConfig, { store }: ApiDeps): Route {
  return appRoute({
    method: 'GET',
    url: '/apps/:app/domains',
    auth: 'user',
    action: 'app.read',
    handle: async ({ app }): Promise<DomainsBody> => ({
      own: `${app.name}.${baseDomain}`,
      domains: (await store.domainsOf(app.id)).map(({ hostname, createdAtMs }) => ({ hostname, createdAtMs })),
    }),
  });
}

/** Answers when every node knows the name, or says which do not. */
function add({ baseDomain }: ApiConfig, deps: ApiDeps): Route {
  return appRoute({
    method: 'POST',
    url: '/apps/:app/domains',
    auth: 'user',
    action: 'app.write',
    body: addBody,
    handle: async ({ app, user, body, signal }): Promise<DomainAddedBody> => {
      const hostname = parseDomain(body.hostname);
      refuseReserved(hostname, baseDomain);
      const known = await deps.store.domainsOf(app.id);
      if (known.some((domain) => domain.hostname === hostname)) throw alreadyHere(app, hostname);
      const { createdAtMs } = await deps.store.addDomain(app.id, hostname);
      const message = `${user.name} added the domain ${hostname} to ${app.name}.`;
      return { hostname, createdAtMs, problems: await changed(deps, { app, user, signal, message }) };
    },
  });
}

function remove(deps: ApiDeps): Route {
  return appRoute({
    method: 'DELETE',
    url: '/apps/:app/domains/:hostname',
    auth: 'user',
    action: 'app.write',
    handle: async ({ app, user, params, signal }): Promise<DomainRemovedBody> => {
      const hostname = parseDomain(params['hostname'] ?? '');
      if (!(await deps.store.removeDomain(app.id, hostname))) throw notThere(app, hostname);
      const message = `${user.name} removed the domain ${hostname} from ${app.name}.`;
      return { hostname, problems: await changed(deps, { app, user, signal, message }) };
    },
  });
}

function clear(deps: ApiDeps): Route {
  return appRoute({
    method: 'DELETE',
    url: '/apps/:app/domains',
    auth: 'user',
    action: 'app.write',
    handle: async ({ app, user, signal }): Promise<DomainsClearedBody> => {
      const removed = await deps.store.clearDomains(app.id);
      if (removed === 0) return { removed, problems: [] };
      const message = `${user.name} removed all domains from ${app.name}.`;
      return { removed, problems: await changed(deps, { app, user, signal, message }) };
    },
  });
}

interface Change {
  readonly app: App;
  readonly user: User;
  readonly signal: AbortSignal;
  readonly message: string;
}

async function changed(deps: ApiDeps, { app, user, signal, message }: Change): Promise<readonly ProblemBody[]> {
  noteEvent(deps, {
    kind: 'domain.changed',
    actor: user.name,
    app: app.name,
    message,
    next: `slipway domains -a ${app.name}`,
  });
  await deps.fleet.routesApplied(app.id, signal);
  const leftOut = deps.fleet.leftOutOfRoutes(app.id);
  const own =
    leftOut === undefined ? [] : [{ message: leftOut.message, next: leftOut.hint ?? `slipway why ${app.name}` }];
  return [...own, ...routeProblems(deps.fleet.nodes())];
}

/** Names under the fleet's own domain are those of its apps. */
function refuseReserved(hostname: string, baseDomain: string): void {
  const bare = hostname.replace(/^\*\./, '');
  const under = [baseDomain, OWN_SUFFIX].find((suffix) => bare === suffix || bare.endsWith(`.${suffix}`));
  if (under === undefined) return;
  throw new SlipwayError({
    code: 'SLIP_DOMAIN_RESERVED',
    httpStatus: 422,
    message: `The domain ${hostname} is under ${under}, whose names belong to the apps that have them.`,
    hint: 'An app answers under its own name there already. Add a domain of yours, such as www.example.com.',
  });
}

function notThere(app: App, hostname: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DOMAIN_NOT_FOUND',
    httpStatus: 404,
    message: `${app.name} has no domain ${quoteInput(hostname)}.`,
    hint: `See them with: slipway domains -a ${app.name}`,
  });
}

function alreadyHere(app: App, hostname: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DOMAIN_EXISTS',
    kind: 'conflict',
    message: `${app.name} has the domain ${hostname} already.`,
    hint: `See its domains with: slipway domains -a ${app.name}`,
  });
}
