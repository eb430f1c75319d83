import type { NameHttpsBody } from '../../../shared/api/https.ts';
import type { ProblemBody } from '../../../shared/api/schema.ts';
import { parseTypedDomain, quoteInput } from '../../../shared/domain/names.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { chooseCertificates } from '../../certificates/choose.ts';
import { addCommand } from '../../certificates/dns/findings.ts';
import type { App } from '../../domain/apps.ts';
import type { Certificate } from '../../domain/certificates.ts';
import { needsDns, providerFor, withoutStar, type DnsProvider } from '../../domain/dns-providers.ts';
import type { CertificateOrder } from '../../domain/orders.ts';
import type { User } from '../../domain/users.ts';
import { noteEvent } from '../../store/note-event.ts';
import { requireApp } from '../authenticate.ts';
import type { ApiDeps } from '../deps.ts';
import { httpsRuleProblems } from '../older-agents.ts';
import { routeProblems } from '../route-problems.ts';
import { changeRules, readRules, type HttpsRuleSettings, type RulesChange } from './https-rules.ts';

type Deps = Pick<ApiDeps, 'store' | 'fleet' | 'clock'>;

/** What decides whether a name gets a certificate by itself. */
interface Settings {
  readonly app: App;
  readonly isReady: boolean;
  readonly isAuto: boolean;
  readonly providers: readonly DnsProvider[];
}

interface Named {
  readonly hostname: string;
  readonly order: CertificateOrder | undefined;
  readonly certificate: Certificate | undefined;
}

export interface HttpsChange extends RulesChange {
  readonly redirect?: boolean | undefined;
  readonly auto?: boolean | undefined;
}

/** How one domain of an app is served over HTTPS. */
export async function nameHttps(deps: Deps, app: App, hostname: string): Promise<NameHttpsBody> {
  const [body] = await describe(deps, app, [hostname]);
  if (body === undefined) throw new Error('a name has no state');
  return body;
}

/** The same for all domains of an app, by name. */
export async function namesHttps(deps: Deps, app: App): Promise<readonly NameHttpsBody[]> {
  return await describe(deps, app, (await deps.store.domainsOf(app.id)).map(({ hostname }) => hostname).sort());
}

export async function appHttps(
  deps: Deps,
  app: App,
): Promise<HttpsRuleSettings & { redirect: boolean; auto: boolean; ready: boolean; names: readonly NameHttpsBody[] }> {
  const { isReady: ready, isAuto: auto } = await readSettings(deps, app);
  const rules = await readRules(deps, app);
  const redirect = await deps.store.httpsRedirect(app.id);
  return { ...rules, redirect, auto, ready, names: await namesHttps(deps, app) };
}

/** @returns which nodes do not follow the change @throws SLIP_TLS_NOT_SET, SLIP_DOMAIN_CANONICAL, SLIP_HTTPS_HSTS */
export async function setHttps(
  deps: Deps & Pick<ApiDeps, 'automaticCertificates' | 'log'>,
  { app, user, change, signal }: HttpsScope,
): Promise<readonly ProblemBody[]> {
  const { redirect, auto } = change;
  const { store, fleet, automaticCertificates } = deps;
  if (auto === true && !(await store.tlsSettings()).termsAgreed) throw tlsNotSet();
  const tell = (message: string): void =>
    noteEvent(deps, {
      ...{ kind: 'https.changed', actor: user.name, app: app.name, message },
      next: `slipway https -a ${app.name}`,
    });
  const rules = await changeRules(deps, app, change);
  for (const done of rules) tell(`${user.name} ${done} of ${app.name}.`);
  if (auto !== undefined) {
    await setAuto({ store, automaticCertificates }, app, auto);
    tell(`${user.name} switched automatic certificates of ${app.name} ${auto ? 'on' : 'off'}.`);
  }
  if (redirect !== undefined) {
    await store.setHttpsRedirect(app.id, redirect);
    tell(`${user.name} switched the redirect of ${app.name} to HTTPS ${redirect ? 'on' : 'off'}.`);
  }
  if (redirect === undefined && rules.length === 0) return [];
  await fleet.routesApplied(app.id, signal);
  const nodes = fleet.nodes();
  return [...routeProblems(nodes), ...httpsRuleProblems(app.name, nodes)];
}

async function setAuto(
  { store, automaticCertificates }: Pick<ApiDeps, 'store' | 'automaticCertificates'>,
  { id }: App,
  auto: boolean,
): Promise<void> {
  await store.setCertsAuto(id, auto);
  await (auto ? automaticCertificates.orderMissing(id) : automaticCertificates.end(id));
}

interface HttpsScope {
  readonly app: App;
  readonly user: User;
  readonly change: HttpsChange;
  readonly signal: AbortSignal;
}

/** A domain that the user may see, with its app. @throws SLIP_DOMAIN_UNKNOWN, also for a domain of another user */
export async function requireDomain(
  { store }: Pick<ApiDeps, 'store'>,
  { user, text, action }: { readonly user: User; readonly text: string; readonly action: 'app.read' | 'app.write' },
): Promise<{ readonly app: App; readonly hostname: string }> {
  const hostname = parseTypedDomain(text);
  const domain = await store.domain(hostname);
  const owner = domain === undefined ? undefined : await store.appById(domain.appId);
  if (owner === undefined) throw domainUnknown(text);
  const app = await requireApp({ store }, { user, name: owner.name, action }).catch(() => undefined);
  if (app === undefined) throw domainUnknown(text);
  return { app, hostname };
}

async function describe(deps: Deps, app: App, hostnames: readonly string[]): Promise<readonly NameHttpsBody[]> {
  const { store, clock } = deps;
  const settings = await readSettings(deps, app);
  const orders = new Map((await store.ordersOfApp(app.id)).map((order) => [order.hostname, order]));
  const choices = chooseCertificates(await store.certificates(), [{ appId: app.id, hostnames }], clock.nowMs());
  return hostnames.map((hostname) => {
    const named = { hostname, order: orders.get(hostname), certificate: choices.get(hostname) };
    return view(named, settings, isServedEverywhere(deps, named.certificate));
  });
}

async function readSettings({ store }: Deps, app: App): Promise<Settings> {
  const { termsAgreed: isReady } = await store.tlsSettings();
  const isAuto = (await store.certsAuto(app.id)) ?? isReady;
  return { app, isReady, isAuto, providers: await store.dnsProviders() };
}

function isServedEverywhere({ fleet }: Deps, certificate: Certificate | undefined): boolean {
  const served = certificate === undefined ? undefined : fleet.servedBy(certificate.id);
  const connected = (served?.nodes ?? []).filter((node) => node.connected);
  if (served?.fingerprint !== certificate?.fingerprint || connected.length === 0) return false;
  return connected.every(({ state }) => state === 'served');
}

function view({ hostname, order, certificate }: Named, settings: Settings, everywhere: boolean): NameHttpsBody {
  const served = certificate === undefined ? {} : { notAfterMs: certificate.notAfterMs };
  if (order === undefined) {
    const own = { hostname, ...served, everywhere };
    return certificate === undefined
      ? { ...own, state: 'off', problem: whyOff(hostname, settings) }
      : { ...own, state: 'uploaded' };
  }
  const { state, sinceMs, dueAtMs: nextAtMs, problem } = order;
  return {
    ...{ hostname, state, sinceMs, nextAtMs, ...served, everywhere },
    ...(problem === undefined ? {} : { problem: viewReason(problem, `slipway why ${hostname}`) }),
    ...(order.certificate === undefined ? {} : { renewAtMs: order.certificate.renewAtMs }),
  };
}

export function viewReason(
  { code, message, hint }: { readonly code: string; readonly message: string; readonly hint?: string | undefined },
  next: string,
): { code: string; message: string; next: string } {
  return { code, message, next: hint ?? next };
}

function whyOff(hostname: string, { app, isReady, isAuto, providers }: Settings): NameHttpsBody['problem'] {
  if (needsDns(hostname) && providerFor(providers, hostname) === undefined) {
    const message = `No certificate is ordered for the wildcard ${hostname}: this needs a DNS provider for ${withoutStar(hostname)}, which an administrator adds. Or upload a certificate (slipway certs:add).`;
    return { message, next: addCommand(hostname) };
  }
  if (!isReady) {
    const message = `No certificate is ordered for ${hostname}, because no administrator has agreed to the terms of a certificate authority.`;
    return { message, next: 'slipway tls:set --agree-terms --contact you@example.com' };
  }
  if (!isAuto) {
    const message = `Automatic certificates of ${app.name} are off.`;
    return { message, next: `slipway certs:auto enable -a ${app.name}` };
  }
  return {
    message: `No certificate is ordered for ${hostname} yet.`,
    next: `slipway certs:auto enable -a ${app.name}`,
  };
}

function tlsNotSet(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_TLS_NOT_SET',
    kind: 'conflict',
    message: 'No administrator has agreed to the terms of a certificate authority, so no certificate can be ordered.',
    hint: 'An administrator can do it with: slipway tls:set --agree-terms --contact you@example.com',
  });
}

function domainUnknown(text: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DOMAIN_UNKNOWN',
    httpStatus: 404,
    message: `No app of yours has the domain ${quoteInput(text)}.`,
    hint: 'See the domains of an app with: slipway domains -a APP',
  });
}
