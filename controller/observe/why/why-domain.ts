import type { NameHttpsBody } from '../../../shared/api/https.ts';
import type { WhyBody, WhyChain } from '../../../shared/api/observe.ts';
import type { Reason } from '../../../shared/domain/instance.ts';
import { formatDuration } from '../../../shared/kit/duration.ts';
import { isLate } from '../../certificates/orders/renewal-plan.ts';
import type { CertificateOnNode } from '../../dispatch/port.ts';
import { endsSoon, type Certificate } from '../../domain/certificates.ts';
import type { IssuedCertificate } from '../../domain/issued.ts';
import type { CertificateOrder } from '../../domain/orders.ts';

/** What is known of one domain of an app. */
export interface DomainWhyFacts {
  readonly nowMs: number;
  readonly app: string;
  readonly https: NameHttpsBody;
  readonly order: CertificateOrder | undefined;
  readonly isDeployed: boolean;
  /** Why the app is not in the route table. */
  readonly leftOut: Reason | undefined;
  readonly redirect: boolean;
  /** The canonical name of the app. */
  readonly canonical?: string | undefined;
  /** The one that serves the domain. */
  readonly certificate: Certificate | undefined;
  /** Of the one that serves the domain, or of a former one. */
  readonly revocation?: IssuedCertificate | undefined;
  readonly nodes: readonly CertificateOnNode[];
  /** What a front proxy does to its requests. */
  readonly front?: Reason | undefined;
}

/** Pure: explains how a domain is served over HTTPS, or why it is not. */
export function whyDomain(facts: DomainWhyFacts): WhyBody {
  const { hostname } = facts.https;
  const about = `${hostname} of ${facts.app}`;
  const chains = [
    ...routes(facts),
    ...order(facts),
    ...exposed(facts),
    ...revocation(facts),
    ...ended(facts),
    ...nodes(facts),
    ...fronts(facts),
  ];
  if (chains.length > 0) return { about, well: false, chains };
  return { about, well: true, chains: [state(facts)] };
}

function routes({ https: { hostname }, app, isDeployed, leftOut }: DomainWhyFacts): readonly WhyChain[] {
  if (leftOut !== undefined) {
    return [{ code: leftOut.code, links: [leftOut.message], next: leftOut.hint ?? `slipway why ${app}` }];
  }
  if (isDeployed) return [];
  const links = [`${app} was never deployed.`, `So no node answers for ${hostname}.`];
  return [{ code: 'SLIP_CERT_NO_RELEASE', links, next: `slipway releases -a ${app}` }];
}

/** Why there is no certificate, or no new one. */
function order(facts: DomainWhyFacts): readonly WhyChain[] {
  const { https, isDeployed, nowMs } = facts;
  const { hostname } = https;
  const late = facts.order !== undefined && isLate(facts.order, nowMs);
  const problem = https.problem ?? (late ? unknownCause(hostname) : undefined);
  if (!isDeployed || problem === undefined) return [];
  const overdue = late ? [`The renewal for ${hostname} is overdue.`] : [];
  const links = [problem.message, ...sayNext(https), ...overdue, sayEffect(facts)];
  return [{ ...codeOf(late ? 'SLIP_CERT_LATE' : problem.code), links, next: problem.next }];
}

function unknownCause(hostname: string): NonNullable<NameHttpsBody['problem']> {
  return { message: 'The renewal has not ended yet.', next: `slipway certs:check ${hostname}` };
}

function sayEffect({ https: { hostname }, certificate, nowMs }: DomainWhyFacts): string {
  if (certificate === undefined) return `So browsers get no valid certificate for ${hostname}.`;
  return sayEnd(hostname, certificate.notAfterMs, nowMs);
}

function codeOf(code: string | undefined): Pick<WhyChain, 'code'> {
  return code === undefined ? {} : { code };
}

/** The certificate has ended, or ends soon, and no problem of its order says why. */
function ended({ https: { hostname }, app, certificate, nowMs, order: own }: DomainWhyFacts): readonly WhyChain[] {
  if (certificate === undefined || !endsSoon(certificate, nowMs) || own?.problem !== undefined) return [];
  const leftMs = certificate.notAfterMs - nowMs;
  const isTold = own !== undefined && isLate(own, nowMs);
  const end = sayEnd(hostname, certificate.notAfterMs, nowMs);
  const next = own === undefined ? `slipway certs:add CRT KEY -a ${app}` : `slipway certs:check ${hostname}`;
  if (leftMs <= 0) return [{ code: 'SLIP_CERT_ENDED', links: [end, 'So browsers refuse it.'], next }];
  const soon = `So browsers refuse it in ${formatDuration(leftMs)}.`;
  return isTold ? [] : [{ code: 'SLIP_CERT_ENDS_SOON', links: [end, soon], next }];
}

function exposed({ https: { hostname }, app, certificate }: DomainWhyFacts): readonly WhyChain[] {
  if (certificate?.exposed === undefined) return [];
  const links = [
    certificate.exposed,
    `So others may have the key of the certificate that serves ${hostname}, and only its owner can replace it.`,
  ];
  return [{ code: 'SLIP_CERT_KEY_EXPOSED', links, next: `slipway certs:add CRT KEY -a ${app}` }];
}

function revocation({ https: { hostname }, certificate, revocation: known }: DomainWhyFacts): readonly WhyChain[] {
  if (known === undefined) return [];
  const { state: how, cause = '', problem, fingerprint } = known;
  const isServed = certificate?.fingerprint === fingerprint;
  const links = [cause, ...sayRevocation(how, isServed ? hostname : undefined)].filter((link) => link !== '');
  const next = `slipway certs:check ${hostname}`;
  if (problem === undefined) return [{ code: 'SLIP_CERT_REVOCATION', links, next }];
  return [{ code: problem.code, links: [...links, problem.message], next: problem.hint ?? next }];
}

/** @param served the name that the certificate still serves */
function sayRevocation(how: IssuedCertificate['state'], served: string | undefined): readonly string[] {
  if (how === 'revoking') return ['So the certificate authority is asked to revoke the certificate.'];
  if (how !== 'revoked')
    return [
      'So a certificate with a new key is ordered. The former one is revoked when every connected node serves it.',
    ];
  const still = served === undefined ? [] : [`The nodes serve the revoked certificate of ${served} until then.`];
  return ['So the certificate was revoked, and a successor with a new key is ordered.', ...still];
}

function nodes({ https: { hostname }, nodes: all, certificate }: DomainWhyFacts): readonly WhyChain[] {
  const unserved = all.filter(({ connected, state: how }) => connected && how === 'unserved');
  const chains = unserved.map(({ name, reason }): WhyChain => {
    const cause = reason?.message ?? 'The node does not say why.';
    const links = [cause, `So node ${name} does not serve the certificate of ${hostname}.`];
    return { ...codeOf(reason?.code), links, next: `slipway nodes:info ${name}` };
  });
  if (certificate === undefined || all.length > 0) return chains;
  return [
    { links: ['No node answers HTTPS.', `So nobody serves the certificate of ${hostname}.`], next: 'slipway nodes' },
  ];
}

function fronts({ front, https: { hostname } }: DomainWhyFacts): readonly WhyChain[] {
  if (front === undefined) return [];
  return [{ code: front.code, links: [front.message], next: front.hint ?? `slipway certs:check ${hostname}` }];
}

/** Nothing is wrong: the certificate is on its way, or is there. */
function state({ https, app, nodes: all, redirect, order: own, canonical }: DomainWhyFacts): WhyChain {
  const { hostname, everywhere, notAfterMs, renewAtMs } = https;
  const next = `slipway certs -a ${app}`;
  if (notAfterMs === undefined) {
    return { links: [`A certificate for ${hostname} is on its way (${own?.state ?? https.state}).`], next };
  }
  const served = all.filter(({ state: how }) => how === 'served').length;
  const renewed = renewAtMs === undefined ? '' : ` It is renewed about ${dayOf(renewAtMs)}.`;
  const links = [
    `The certificate of ${hostname} ends on ${dayOf(notAfterMs)}.${renewed}`,
    `${String(served)} of ${String(all.length)} nodes serve it.`,
    redirect
      ? everywhere
        ? 'Plain requests are redirected to HTTPS.'
        : 'Plain requests are redirected to HTTPS when every connected node serves it.'
      : `Plain requests are not redirected to HTTPS, because the redirect of ${app} is off.`,
    ...(canonical === undefined || canonical === hostname
      ? []
      : [`Requests for ${hostname} are redirected to ${canonical}, the canonical name of ${app}.`]),
  ];
  return { links, next };
}

function sayNext({ state: how, nextAtMs }: NameHttpsBody): readonly string[] {
  if (how === 'off' || nextAtMs === undefined) return [];
  const at = new Date(nextAtMs).toISOString().replace(/\.\d+Z$/, 'Z');
  if (how === 'blocked') return [`So the order stopped. The controller looks again at ${at}.`];
  return [`So the order waits. It goes on at ${at}.`];
}

function sayEnd(hostname: string, notAfterMs: number, nowMs: number): string {
  const verb = notAfterMs <= nowMs ? 'ended' : 'ends';
  return `The certificate that serves ${hostname} ${verb} on ${dayOf(notAfterMs)}.`;
}

function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
