import { SlipwayError } from '../../shared/kit/errors.ts';
import type { ProofSearch } from './find-proof.ts';
import type { ProofRecords } from './proof-records.ts';

export interface Refusal {
  readonly hostname: string;
  /** The name of the user for whom the records are. */
  readonly user: string;
  readonly records: ProofRecords;
}

/** Which record to add. The command line waits for it. */
export function proofMissing({ hostname, user, records }: Refusal, search: ProofSearch): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DOMAIN_PROOF',
    kind: 'conflict',
    message: `The fleet has several users, so ${user} must prove ${hostname} with a DNS record. ${sayFound(records, search)}`,
    hint: `${sayAdd(records)} Then run the same command again.`,
    details: detailsOf(records),
  });
}

/** The message is the same for all apps, because a user must not learn which apps others have. */
export function domainInUse({ hostname, records }: Refusal): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DOMAIN_TAKEN',
    kind: 'conflict',
    message: `The domain ${hostname} is in use by another app.`,
    hint: `If that app is yours too, remove it there first: slipway domains:remove ${hostname} -a OTHER_APP — If another user has it, prove that it is yours. ${sayAdd(records)} Then run the same command again.`,
    details: detailsOf(records),
  });
}

export function keptForLastOwner({ hostname, records }: Refusal, untilMs: number): SlipwayError {
  const until = new Date(untilMs).toISOString();
  return new SlipwayError({
    code: 'SLIP_DOMAIN_KEPT',
    kind: 'conflict',
    message: `The domain ${hostname} was removed from an app of another user, and is kept for this user until ${until}.`,
    hint: `Prove that it is yours now. ${sayAdd(records)} Then run the same command again.`,
    details: { ...detailsOf(records), untilMs },
  });
}

export function proofDisputed(
  { hostname }: Refusal,
  other: { readonly name: string; readonly value: string },
): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DOMAIN_DISPUTED',
    kind: 'conflict',
    message: `The DNS records prove ${hostname} for you and for the user who has it.`,
    hint: `If it is yours alone, remove the record ${other.name} with the value ${other.value}. Then run the same command again.`,
  });
}

export function ownerUnknown({ hostname }: Refusal, reason: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DOMAIN_DNS_SILENT',
    kind: 'transient',
    message: `Another user has ${hostname}, and the name servers did not say whether it is still theirs (${reason}).`,
    hint: 'Repair the name servers of the domain, then run the same command again.',
  });
}

function sayFound({ txt }: ProofRecords, search: ProofSearch): string {
  if (search.kind === 'silent') return `The name servers gave no answer (${search.reason}).`;
  if (search.kind === 'absent' && search.others) return `${txt.name} has other values only.`;
  return `There is no record at ${txt.name} yet.`;
}

function sayAdd({ txt, cname }: ProofRecords): string {
  const alias = cname === undefined ? '' : `, or make ${cname.name} a CNAME of ${cname.value}`;
  return `Add a TXT record: ${txt.name} with the value ${txt.value}${alias}.`;
}

function detailsOf({ txt, cname }: ProofRecords): Readonly<Record<string, string>> {
  const alias = cname === undefined ? {} : { cnameName: cname.name, cnameValue: cname.value };
  return { txtName: txt.name, txtValue: txt.value, ...alias };
}
