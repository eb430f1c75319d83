import type { Quotas } from '../../../shared/domain/quota.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { RandomId } from '../../../shared/kit/random-id.ts';
import type { ConfigCipher } from '../../secrets/config-cipher.ts';
import type { InTransaction } from './schema.ts';
import { isUniqueViolation } from './store-errors.ts';

/** Dependencies of every repository. */
export interface RepositoryDeps {
  readonly inTransaction: InTransaction;
  readonly clock: Clock;
  readonly randomId: RandomId;
  /** Encrypts config values. */
  readonly cipher: ConfigCipher;
  /** The quotas of users without own numbers. */
  readonly quotas: Quotas;
  /** Most bytes of all domains of the fleet in the route table. */
  readonly domainsBytesMax: number;
}

/** The caller named something that does not exist. That is a bug, because the caller must check first. */
export function notFound(what: string): SlipwayError {
  return new SlipwayError({ code: 'SLIP_STORE_NOT_FOUND', kind: 'bug', message: `There is no such ${what}.` });
}

/** Runs an insert. When its unique key is taken, it throws the error of `taken`. */
export async function unlessTaken<T>(insert: Promise<T>, taken: () => SlipwayError): Promise<T> {
  try {
    return await insert;
  } catch (error) {
    throw isUniqueViolation(error) ? taken() : error;
  }
}
