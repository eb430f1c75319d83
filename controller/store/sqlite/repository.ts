import type { Quotas } from '../../../shared/domain/quota.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { RandomId } from '../../../shared/kit/random-id.ts';
import type { InTransaction } from './schema.ts';
import { isUniqueViolation } from './store-errors.ts';

/** What every repository is built from. */
export interface RepositoryDeps {
  readonly inTransaction: InTransaction;
  readonly clock: Clock;
  readonly randomId: RandomId;
  /** The quotas of users without own numbers. */
  readonly quotas: Quotas;
  /** Of all domains of the fleet, in the route table. */
  readonly domainsBytesMax: number;
}

/** The caller named something that is not there: a bug of the caller, who must look first. */
export function notFound(what: string): SlipwayError {
  return new SlipwayError({ code: 'SLIP_STORE_NOT_FOUND', kind: 'bug', message: `There is no such ${what}.` });
}

/** Runs an insert whose unique key may be taken; then `taken` is the error. */
export async function unlessTaken<T>(insert: Promise<T>, taken: () => SlipwayError): Promise<T> {
  try {
    return await insert;
  } catch (error) {
    throw isUniqueViolation(error) ? taken() : error;
  }
}
