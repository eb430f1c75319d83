import { DnsFailure, type ProofResolver } from '../certificates/preflight/resolver.ts';
import { proofRecords, txtRecords, type ProofScope } from './proof-records.ts';

/** What DNS says about the claim of one user. */
export type ProofSearch =
  | { readonly kind: 'txt' | 'cname'; readonly name: string; readonly value: string }
  /** There is no such record. `others`: the TXT record of the name has other values. */
  | { readonly kind: 'absent'; readonly others: boolean }
  /** Name servers gave no answer, and no other record is there. */
  | { readonly kind: 'silent'; readonly reason: string };

/** Looks for a record of this user. A name that proves more than this domain counts too. */
export async function findProof(resolver: ProofResolver, scope: ProofScope, hostname: string): Promise<ProofSearch> {
  const { cname } = proofRecords(scope, hostname);
  const wanted = txtRecords(scope, hostname);
  const [alias, ...texts] = await Promise.all([
    cname === undefined ? undefined : answerOf(resolver.alias(cname.name)),
    ...wanted.map(({ name }) => answerOf(resolver.txt(name))),
  ]);
  const record = wanted.find(({ value }, at) => valuesOf(texts[at]).includes(value));
  if (record !== undefined) return { kind: 'txt', ...record };
  if (cname !== undefined && alias === cname.value) return { kind: 'cname', ...cname };
  const silent = [...texts, alias].find((answer) => answer instanceof DnsFailure);
  if (silent !== undefined) return { kind: 'silent', reason: silent.reason };
  return { kind: 'absent', others: valuesOf(texts[0]).length > 0 };
}

function valuesOf(answer: readonly string[] | DnsFailure | undefined): readonly string[] {
  return answer === undefined || answer instanceof DnsFailure ? [] : answer;
}

async function answerOf<T>(answer: Promise<T>): Promise<T | DnsFailure> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof DnsFailure) return error;
    throw error;
  }
}
