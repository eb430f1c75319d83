import type { Reason } from '../../../shared/domain/instance.ts';
import type { Authorization } from '../../acme/wire.ts';
import { needsDns } from '../../domain/dns-providers.ts';
import type { CertificateOrder } from '../../domain/orders.ts';
import { challengeValue, type DnsChallenges } from '../dns/dns-challenges.ts';
import { openAccount, requireUrl } from './order-account.ts';
import type { StepResult } from './plan.ts';

// The steps that answer the challenges of an order: HTTP-01, which every node answers already, or DNS-01.

type AccountDeps = Parameters<typeof openAccount>[1];

export interface AnswerDeps extends AccountDeps {
  readonly dns: Pick<DnsChallenges, 'present' | 'missing'>;
}

type Challenge = Authorization['challenges'][number];

/** DNS-01: the provider adds the TXT records. A second call adds nothing new. */
export async function presentRecords(order: CertificateOrder, deps: AnswerDeps): Promise<StepResult> {
  const { thumbprint } = await openAccount(order, deps);
  const challenges = await pendingChallenges(order, deps);
  if (challenges === undefined) return { kind: 'refused', reason: noChallenge(order) };
  const values = challenges.flatMap(({ token }) => (token === undefined ? [] : [challengeValue(token, thumbprint)]));
  const reason = await deps.dns.present(order, values);
  return reason === undefined ? { kind: 'presented' } : { kind: 'failed', reason };
}

/** DNS-01: a CA that asks too early would remember for some time that there is no record. */
export async function lookAtRecords(order: CertificateOrder, { dns }: AnswerDeps): Promise<StepResult> {
  return { kind: 'propagation', missing: await dns.missing(order) };
}

export async function answer(order: CertificateOrder, deps: AnswerDeps): Promise<StepResult> {
  const { client } = await openAccount(order, deps);
  const challenges = await pendingChallenges(order, deps);
  if (challenges === undefined) return { kind: 'refused', reason: noChallenge(order) };
  for (const { status, url } of challenges) {
    if (status === 'pending') await client.answerChallenge(url);
  }
  return { kind: 'answered' };
}

/** Undefined: the CA does not offer the method that the name needs. */
async function pendingChallenges(order: CertificateOrder, deps: AnswerDeps): Promise<readonly Challenge[] | undefined> {
  const { client } = await openAccount(order, deps);
  const { authorizations } = await client.order(requireUrl(order));
  const found: Challenge[] = [];
  for (const url of authorizations) {
    const { status, challenges } = await client.authorization(url);
    if (status !== 'pending') continue;
    const challenge = challenges.find(({ type }) => type === methodOf(order));
    if (challenge === undefined) return undefined;
    found.push(challenge);
  }
  return found;
}

function methodOf({ hostname }: CertificateOrder): 'dns-01' | 'http-01' {
  return needsDns(hostname) ? 'dns-01' : 'http-01';
}

function noChallenge(order: CertificateOrder): Reason {
  const { hostname } = order;
  return {
    code: 'SLIP_CERT_CHALLENGE',
    message: `The certificate authority does not offer ${methodOf(order).toUpperCase()} for ${hostname}.`,
    hint: 'Upload a certificate: slipway certs:add CRT KEY -a APP',
  };
}
