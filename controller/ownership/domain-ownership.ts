import type { ProofResolver } from '../certificates/preflight/resolver.ts';
import type { App } from '../domain/apps.ts';
import type { DomainClaim } from '../domain/domains.ts';
import type { Store } from '../store/port.ts';
import {
  domainInUse,
  keptForLastOwner,
  ownerUnknown,
  proofDisputed,
  proofMissing,
  type Refusal,
} from './claim-errors.ts';
import { decideClaim, type ClaimDecision, type ClaimFacts } from './decide-claim.ts';
import { findProof } from './find-proof.ts';
import { proofRecords, type ProofScope } from './proof-records.ts';

interface OwnershipDeps {
  readonly store: Pick<Store, 'users' | 'domainHolder' | 'domainProofKey'>;
  readonly resolver: ProofResolver;
  readonly baseDomain: string;
}

type Granted = Extract<ClaimDecision, { kind: 'grant' }>;
type Refused = Exclude<ClaimDecision, { kind: 'grant' | 'look' }>;

/** Decides whose a domain is. DNS has the last word, because whoever controls it also decides where the requests go. */
export class DomainOwnership {
  readonly #deps: OwnershipDeps;

  constructor(deps: OwnershipDeps) {
    this.#deps = deps;
  }

  /**
   * Why the app may have the domain. @throws SLIP_DOMAIN_PROOF, SLIP_DOMAIN_TAKEN, SLIP_DOMAIN_KEPT, SLIP_DOMAIN_DISPUTED,
   * SLIP_DOMAIN_DNS_SILENT
   */
  async claim(
    app: Pick<App, 'ownerId'>,
    { hostname, isForced }: { readonly hostname: string; readonly isForced: boolean },
  ): Promise<DomainClaim> {
    const { store, resolver, baseDomain } = this.#deps;
    const [users, holder, key] = await Promise.all([
      store.users(),
      store.domainHolder(hostname),
      store.domainProofKey(),
    ]);
    const scopeOf = (userId: string): ProofScope => ({ key, userId, baseDomain });
    const scope = scopeOf(app.ownerId);
    let facts: ClaimFacts = { ownerId: app.ownerId, holder, hasManyUsers: users.length > 1, isForced };
    let decision = decideClaim(facts);
    for (; decision.kind === 'look'; decision = decideClaim(facts)) {
      const asked = decision.at === 'own' ? scope : scopeOf(holder?.ownerId ?? '');
      facts = { ...facts, [decision.at]: await findProof(resolver, asked, hostname) };
    }
    if (decision.kind === 'grant') return (decision satisfies Granted).claim;
    const user = users.find(({ id }) => id === app.ownerId)?.name ?? 'the owner';
    throw refusalOf(decision, { hostname, user, records: proofRecords(scope, hostname) });
  }
}

function refusalOf(decision: Refused, refusal: Refusal): Error {
  switch (decision.kind) {
    case 'unproved':
      return proofMissing(refusal, decision.search);
    case 'taken':
      return domainInUse(refusal);
    case 'kept':
      return keptForLastOwner(refusal, decision.untilMs);
    case 'disputed':
      return proofDisputed(refusal, decision.record);
    case 'unknown':
      return ownerUnknown(refusal, decision.reason);
  }
}
