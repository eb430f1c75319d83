import type { UserId } from '../../shared/domain/ids.ts';
import type { DomainClaim, DomainHolder } from '../domain/domains.ts';
import type { ProofSearch } from './find-proof.ts';

export interface ClaimFacts {
  /** The owner of the app that gets the domain. */
  readonly ownerId: UserId;
  readonly holder: DomainHolder | undefined;
  /** False while the fleet has one user. */
  readonly hasManyUsers: boolean;
  /** An administrator decided it. */
  readonly isForced: boolean;
  /** Undefined: nobody has looked yet. */
  readonly own?: ProofSearch | undefined;
  /** What DNS says about the claim of the present or last owner. Undefined: nobody has looked yet. */
  readonly holders?: ProofSearch | undefined;
}

export type ClaimDecision =
  | { readonly kind: 'grant'; readonly claim: DomainClaim }
  /** Look for the records of the owner of the app, or of the present or last owner of the domain. */
  | { readonly kind: 'look'; readonly at: 'own' | 'holders' }
  /** No record proves the claim. */
  | { readonly kind: 'unproved'; readonly search: ProofSearch }
  /** An app of the same owner has it, or an app of another owner has it and the claim has no proof. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'kept'; readonly untilMs: number }
  /** Both users have records in DNS. */
  | { readonly kind: 'disputed'; readonly record: { readonly name: string; readonly value: string } }
  /** The name servers gave no answer about the record of the other user. */
  | { readonly kind: 'unknown'; readonly reason: string };

/** Pure: may the owner of an app have a domain, and what must be known first? */
export function decideClaim(facts: ClaimFacts): ClaimDecision {
  const withoutProof = decideWithoutProof(facts);
  if (withoutProof !== undefined) return withoutProof;
  const { holder, own } = facts;
  if (own === undefined) return { kind: 'look', at: 'own' };
  if (own.kind === 'absent' || own.kind === 'silent') return refuse(holder, own);
  return holder === undefined ? { kind: 'grant', claim: { proof: own.kind } } : decideBetween(facts, holder, own.kind);
}

/** Undefined: a record must prove the claim. */
function decideWithoutProof({ ownerId, holder, hasManyUsers, isForced }: ClaimFacts): ClaimDecision | undefined {
  const isOwnHolder = holder?.ownerId === ownerId;
  if (holder?.kind === 'app' && (isOwnHolder || isForced)) return { kind: 'taken' };
  if (isForced) return { kind: 'grant', claim: { proof: 'admin' } };
  const isFree = holder === undefined && !hasManyUsers;
  return isOwnHolder || isFree ? { kind: 'grant', claim: {} } : undefined;
}

function refuse(holder: DomainHolder | undefined, search: ProofSearch): ClaimDecision {
  if (holder === undefined) return { kind: 'unproved', search };
  return holder.kind === 'app' ? { kind: 'taken' } : { kind: 'kept', untilMs: holder.untilMs };
}

/** The user whose records are in DNS has the domain. While both have records, or nothing is known, nothing changes. */
function decideBetween(
  { holders }: ClaimFacts,
  holder: DomainHolder,
  proof: NonNullable<DomainClaim['proof']>,
): ClaimDecision {
  if (holders === undefined) return { kind: 'look', at: 'holders' };
  if (holders.kind === 'silent') return { kind: 'unknown', reason: holders.reason };
  if (holders.kind !== 'absent') return { kind: 'disputed', record: { name: holders.name, value: holders.value } };
  return { kind: 'grant', claim: holder.kind === 'app' ? { proof, takenFrom: holder.appId } : { proof } };
}
