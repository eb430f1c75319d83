import { parseTypedDomain, quoteInput } from '../../../shared/domain/names.ts';
import type { Reason } from '../../../shared/domain/instance.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { registeredDomain } from '../../certificates/orders/registered-domain.ts';
import type { App } from '../../domain/apps.ts';
import { mayForceDomains } from '../../access/policy.ts';
import type { DomainProof } from '../../domain/domains.ts';
import type { User } from '../../domain/users.ts';
import type { LiveNode } from '../../dispatch/port.ts';
import { noteEvent } from '../../store/note-event.ts';
import { forbidden } from '../api-errors.ts';
import type { ApiDeps } from '../deps.ts';
import { readRules, removalNotes } from './https-rules.ts';

type Deps = Pick<ApiDeps, 'store' | 'fleet' | 'log' | 'automaticCertificates'>;
type AddDeps = Deps & Pick<ApiDeps, 'domainOwnership'>;

interface Change {
  readonly app: App;
  readonly user: User;
  /** Ends the wait for the nodes. */
  readonly signal: AbortSignal;
}

/** What is known of the routes of an app after a change of its domains. */
export interface DomainRouting {
  readonly app: App;
  /** Why the app is not in the route table. */
  readonly leftOut: Reason | undefined;
  readonly nodes: readonly LiveNode[];
}

interface Routed {
  /** Undefined: there was nothing to change. */
  readonly routing: DomainRouting | undefined;
}

/** Names that the fleet uses among its nodes. */
const INTERNAL_SUFFIX = 'slipway.internal';

interface Addition extends Change {
  readonly text: string;
  readonly baseDomain: string;
  /** An administrator adds it without a proof. */
  readonly isForced: boolean;
}

interface Added extends Routed {
  readonly hostname: string;
  readonly createdAtMs: number;
  readonly proof?: DomainProof | undefined;
}

/** Returns when every node routes the domain, or with the nodes that do not. */
export async function addDomain(deps: AddDeps, { text, baseDomain, isForced, ...change }: Addition): Promise<Added> {
  const { app, user } = change;
  if (isForced && !mayForceDomains(user)) throw forbidden();
  const hostname = parseTypedDomain(text);
  refuseReserved(hostname, baseDomain);
  refusePublicSuffix(hostname);
  const known = await deps.store.domainsOf(app.id);
  if (known.some((domain) => domain.hostname === hostname)) throw domainExists(app, hostname);
  const claim = await deps.domainOwnership.claim(app, { hostname, isForced });
  const { createdAtMs, proof } = await deps.store.addDomain(app.id, hostname, claim);
  if (claim.takenFrom !== undefined) await deps.fleet.certificatesChanged();
  const message = `${user.name} added the domain ${hostname} to ${app.name}${isForced ? ' without a proof (--force)' : ''}.`;
  const routing = await applyRoutes(deps, { ...change, message });
  await deps.automaticCertificates.orderMissing(app.id);
  return { hostname, createdAtMs, ...(proof === undefined ? {} : { proof }), routing };
}

interface Removed extends Routed {
  readonly hostname: string;
  readonly notes: readonly string[];
  readonly keptUntilMs?: number | undefined;
}

export async function removeDomain(
  deps: Deps,
  { text, ...change }: Change & { readonly text: string },
): Promise<Removed> {
  const { app, user } = change;
  const hostname = parseTypedDomain(text);
  const rules = await readRules(deps, app);
  if (!(await deps.store.removeDomain(app.id, hostname))) throw domainNotFound(app, hostname);
  await deps.fleet.certificatesChanged();
  const message = `${user.name} removed the domain ${hostname} from ${app.name}.`;
  const notes = removalNotes(app, [hostname], rules);
  const holder = await deps.store.domainHolder(hostname);
  const kept = holder?.kind === 'kept' ? { keptUntilMs: holder.untilMs } : {};
  return { hostname, notes, ...kept, routing: await applyRoutes(deps, { ...change, message }) };
}

export async function clearDomains(
  deps: Deps,
  change: Change,
): Promise<Routed & { readonly removed: number; readonly notes: readonly string[] }> {
  const { app, user } = change;
  const hostnames = (await deps.store.domainsOf(app.id)).map((domain) => domain.hostname);
  const notes = removalNotes(app, hostnames, await readRules(deps, app));
  const removed = await deps.store.clearDomains(app.id);
  if (removed === 0) return { removed, notes: [], routing: undefined };
  await deps.fleet.certificatesChanged();
  const message = `${user.name} removed all domains from ${app.name}.`;
  return { removed, notes, routing: await applyRoutes(deps, { ...change, message }) };
}

async function applyRoutes(
  deps: Deps,
  { app, user, signal, message }: Change & { readonly message: string },
): Promise<DomainRouting> {
  noteEvent(deps, {
    kind: 'domain.changed',
    actor: user.name,
    app: app.name,
    message,
    next: `slipway domains -a ${app.name}`,
  });
  await deps.fleet.routesApplied(app.id, signal);
  return { app, leftOut: deps.fleet.leftOutOfRoutes(app.id), nodes: deps.fleet.nodes() };
}

/** The fleet's own domain has only the names of apps. */
function refuseReserved(hostname: string, baseDomain: string): void {
  const bare = hostname.replace(/^\*\./, '');
  const under = [baseDomain, INTERNAL_SUFFIX].find((suffix) => bare === suffix || bare.endsWith(`.${suffix}`));
  if (under === undefined) return;
  throw new SlipwayError({
    code: 'SLIP_DOMAIN_RESERVED',
    httpStatus: 422,
    message: `The domain ${hostname} cannot be added: the names below ${under} are only for the default names of apps.`,
    hint: 'Each app has its default name there. Add a domain of your own, such as www.example.com.',
  });
}

/** Below a public suffix, every name belongs to another person. */
function refusePublicSuffix(hostname: string): void {
  const bare = hostname.replace(/^\*\./, '');
  if (registeredDomain(bare) !== undefined) return;
  throw new SlipwayError({
    code: 'SLIP_DOMAIN_PUBLIC_SUFFIX',
    httpStatus: 422,
    message: `The domain ${hostname} cannot be added: ${bare} is a public suffix, and the names below it belong to many people.`,
    hint: `Add a name that you registered below it, such as example.${bare}.`,
  });
}

function domainNotFound(app: App, hostname: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DOMAIN_NOT_FOUND',
    httpStatus: 404,
    message: `${app.name} has no domain ${quoteInput(hostname)}.`,
    hint: `See them with: slipway domains -a ${app.name}`,
  });
}

function domainExists(app: App, hostname: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DOMAIN_EXISTS',
    kind: 'conflict',
    message: `${app.name} has the domain ${hostname} already.`,
    hint: `See its domains with: slipway domains -a ${app.name}`,
  });
}
