import type { AppId, CertificateId } from '../../../shared/domain/ids.ts';
import type { Reason } from '../../../shared/domain/instance.ts';
import type { OrderState } from '../../../shared/domain/states.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { ariIdOf } from '../../acme/ari.ts';
import type { AcmeOrder } from '../../acme/client.ts';
import { keyFromPem, newRequest } from '../../acme/csr.ts';
import { AcmeError, toProblem } from '../../acme/problem.ts';
import type { AcmeProblem } from '../../domain/acme-problem.ts';
import { USES_KEPT_MS, type AcmeUse, type CertificateOrder, type OrderedCertificate } from '../../domain/orders.ts';
import type { Store } from '../../store/port.ts';
import type { AcmeAccounts, OpenAccount } from './accounts.ts';
import { answer, lookAtRecords, presentRecords, type AnswerDeps } from './answer-steps.ts';
import { spentBudget, type SpentBudget } from './budgets.ts';
import { openAccount, requireUrl } from './order-account.ts';
import { describeProblem } from './problems.ts';
import { registeredDomain } from './registered-domain.ts';
import type { OrderView, StepResult } from './plan.ts';

/** The place where issued certificates are kept, and which brings them to the nodes. */
export interface IssuedCertificates {
  /** A second call with the same certificate changes nothing. */
  save(certificate: {
    readonly id: CertificateId;
    readonly appId: AppId;
    readonly hostname: string;
    readonly chainPem: string;
    readonly keyPem: string;
  }): Promise<Pick<OrderedCertificate, 'fingerprint' | 'notBeforeMs' | 'notAfterMs'>>;
  /** True when every connected node serves it, or serves another certificate that comes first for this name, such as an uploaded one. */
  isServed(certificate: {
    readonly id: CertificateId;
    readonly appId: AppId;
    readonly hostname: string;
    readonly fingerprint: string;
  }): Promise<boolean>;
}

/** Looks at a name before the CA does. Undefined: the CA will succeed, as far as we can see. */
export type Preflight = (hostname: string, account: OpenAccount) => Promise<Reason | undefined>;

export interface StepDeps {
  readonly store: Pick<Store, 'tlsSettings' | 'acmeUses' | 'orderKey'>;
  readonly accounts: Pick<AcmeAccounts, 'open' | 'forget'>;
  readonly certificates: IssuedCertificates;
  readonly preflight: Preflight;
  readonly dns: AnswerDeps['dns'];
  readonly clock: Clock;
}

/** The app was never deployed, so no node answers for its names. */
export const NO_RELEASE = 'SLIP_CERT_NO_RELEASE';
const DEPLOY_LOOK_MS = 30_000;

type Step = (order: CertificateOrder, deps: StepDeps) => Promise<StepResult>;

const STEPS: Readonly<Partial<Record<OrderState, Step>>> = {
  checking: check,
  ordered: makeOrder,
  presenting: presentRecords,
  propagating: lookAtRecords,
  answering: answer,
  validating: look,
  finalizing: finalize,
  issued: fetchCertificate,
  delivering: deliver,
  serving: lookForRenewal,
};

/** The step of an order in its present state: at most one change at the CA. Problems of the CA are results. */
export async function takeStep(order: CertificateOrder, deps: StepDeps): Promise<StepResult> {
  const step = STEPS[order.state];
  if (step === undefined) throw new Error(`an order in the state ${order.state} has no step`);
  try {
    return await step(order, deps);
  } catch (error) {
    if (!(error instanceof AcmeError)) throw error;
    const { problem } = error;
    if (problem.type === 'accountDoesNotExist' && order.directoryUrl !== undefined) {
      await deps.accounts.forget(order.directoryUrl);
    }
    if (problem.type === 'unreachable' && (await isLeftBehind(order, deps))) {
      return { kind: 'postponed', untilMs: deps.clock.nowMs(), reason: describeProblem(order.hostname, problem) };
    }
    return { kind: 'problem', problem };
  }
}

/** The settings name another CA since, so the order need not wait for this one. */
async function isLeftBehind({ state, directoryUrl }: CertificateOrder, { store }: StepDeps): Promise<boolean> {
  if (directoryUrl === undefined || ['checking', 'serving'].includes(state)) return false;
  return directoryUrl !== (await store.tlsSettings()).directoryUrl;
}

async function check(order: CertificateOrder, { store, accounts, preflight, clock }: StepDeps): Promise<StepResult> {
  const { directoryUrl } = await store.tlsSettings();
  // Another CA does not know the certificate, so the order is a new one there.
  const replaces = order.directoryUrl === directoryUrl ? order.replaces : undefined;
  const uses: readonly AcmeUse[] = replaces === undefined ? [{ kind: 'orders', key: directoryUrl }] : [];
  const failures: AcmeUse = { kind: 'failures', key: order.hostname };
  const nowMs = clock.nowMs();
  const budgets = [...uses, ...usesOfCertificate({ ...order, replaces }), failures];
  const spent = spentBudget(await store.acmeUses(budgets, nowMs - USES_KEPT_MS), nowMs);
  if (spent !== undefined) return { kind: 'postponed', untilMs: spent.untilMs, reason: describeSpent(order, spent) };
  const reason = await preflight(order.hostname, await accounts.open(directoryUrl));
  if (reason === undefined) return { kind: 'passed', uses, directoryUrl, replaces };
  // The first deploy may come at any time.
  if (reason.code === NO_RELEASE) return { kind: 'postponed', untilMs: nowMs + DEPLOY_LOOK_MS, reason };
  return { kind: 'refused', reason };
}

/** A renewal that the CA suggested counts for no limit. */
function usesOfCertificate({ hostname, replaces }: CertificateOrder): readonly AcmeUse[] {
  if (replaces !== undefined) return [];
  return [
    { kind: 'domain', key: registeredDomain(hostname) ?? hostname },
    { kind: 'names', key: hostname },
  ];
}

/** An order whose URL was lost with the answer is found, so the CA never has a second one. */
async function makeOrder(order: CertificateOrder, deps: StepDeps): Promise<StepResult> {
  const { client } = await openAccount(order, deps);
  if (order.orderUrl !== undefined) return await viewOf(order, await client.order(order.orderUrl), deps);
  const names = [order.hostname];
  const { profile } = await deps.store.tlsSettings();
  const known = await client.findOpenOrder(names);
  const made = known ?? (await client.newOrder({ names, profile, replaces: order.replaces }));
  return await viewOf(order, made, deps);
}

async function look(order: CertificateOrder, deps: StepDeps): Promise<StepResult> {
  const { client } = await openAccount(order, deps);
  return await viewOf(order, await client.order(requireUrl(order)), deps);
}

/** The key is in the store already. A second request with the same key changes nothing. */
async function finalize(order: CertificateOrder, deps: StepDeps): Promise<StepResult> {
  const { client } = await openAccount(order, deps);
  const now = await client.order(requireUrl(order));
  if (now.status !== 'ready') return await viewOf(order, now, deps);
  const request = await newRequest(keyFromPem(await readKey(order, deps)), [order.hostname]);
  return await viewOf(order, await client.finalize(now, request), deps);
}

async function fetchCertificate(order: CertificateOrder, deps: StepDeps): Promise<StepResult> {
  const { client } = await openAccount(order, deps);
  const now = await client.order(requireUrl(order));
  if (now.certificate === undefined) return await viewOf(order, now, deps);
  const chainPem = await client.certificate(now.certificate);
  const keyPem = await readKey(order, deps);
  const { id, appId, hostname } = order;
  const saved = await deps.certificates.save({ id, appId, hostname, chainPem, keyPem });
  return { kind: 'saved', certificate: { ...saved, ariId: ariIdOf(chainPem) }, uses: usesOfCertificate(order) };
}

async function deliver({ id, appId, hostname, certificate }: CertificateOrder, deps: StepDeps): Promise<StepResult> {
  if (certificate === undefined) throw new Error('there is no certificate to deliver');
  const { fingerprint } = certificate;
  return { kind: 'delivered', everywhere: await deps.certificates.isServed({ id, appId, hostname, fingerprint }) };
}

/** RFC 9773: when the CA wants the certificate to be renewed. */
async function lookForRenewal(order: CertificateOrder, deps: StepDeps): Promise<StepResult> {
  const ariId = order.certificate?.ariId;
  if (ariId === undefined) return { kind: 'renewal', window: undefined };
  const { client } = await openAccount(order, deps);
  const info = await client.renewalInfo(ariId);
  return { kind: 'renewal', window: info === undefined ? undefined : { startMs: info.startMs, endMs: info.endMs } };
}

async function viewOf(row: CertificateOrder, order: AcmeOrder, deps: StepDeps): Promise<StepResult> {
  const problem = order.status === 'invalid' ? await reasonOf(row, order, deps) : undefined;
  const view: OrderView = { url: order.url, status: order.status, retryAfterMs: order.retryAfterMs, problem };
  return { kind: 'order', order: view };
}

/** The error of a challenge says more than the error of the order. */
async function reasonOf(row: CertificateOrder, order: AcmeOrder, deps: StepDeps): Promise<AcmeProblem | undefined> {
  const { client } = await openAccount(row, deps);
  for (const url of order.authorizations) {
    const { challenges } = await client.authorization(url);
    const failed = challenges.find(({ error }) => error !== undefined)?.error;
    if (failed !== undefined) return toProblem(failed, { status: 0 });
  }
  return order.error === undefined ? undefined : toProblem(order.error, { status: 0 });
}

async function readKey({ id }: CertificateOrder, { store }: StepDeps): Promise<string> {
  const key = await store.orderKey(id);
  if (key !== undefined) return key.reveal();
  const detail = 'the private key of the order is not stored';
  throw new AcmeError({ type: 'badAnswer', status: 0, detail, subproblems: [] });
}

const LIMITS: Readonly<Record<AcmeUse['kind'], string>> = {
  orders: 'the orders of this fleet',
  domain: 'the certificates of the registered domain',
  names: 'the certificates of exactly this name',
  failures: 'the failed validations of this name',
};

function describeSpent({ hostname }: CertificateOrder, { kind, key, untilMs }: SpentBudget): Reason {
  const what = kind === 'domain' ? `${LIMITS[kind]} ${key}` : LIMITS[kind];
  const until = new Date(untilMs).toISOString();
  return {
    code: 'SLIP_CERT_BUDGET',
    message: `No certificate is ordered for ${hostname} before ${until}: a certificate authority limits ${what}, and Slipway stays below the limit.`,
    hint: `It goes on by itself. See it with: slipway why ${hostname}`,
  };
}
