import { Resolver } from 'node:dns/promises';
import { plainText } from '../../acme/problem.ts';
import type { CaaRecord } from './caa.ts';

/** The name servers gave no answer, so the CA gets none either. */
export class DnsFailure extends Error {
  /** For example `SERVFAIL`. */
  readonly reason: string;

  constructor(reason: string, cause: unknown) {
    super(`DNS: ${reason}`, { cause });
    this.name = 'DnsFailure';
    this.reason = reason;
  }
}

export interface NameResolver {
  /** @throws DnsFailure */
  addresses(name: string, family: 4 | 6): Promise<readonly string[]>;
  /** Of exactly this name, and of what it is an alias of. @param signal ends the search @throws DnsFailure */
  caa(name: string, signal?: AbortSignal): Promise<readonly CaaRecord[]>;
}

/** What proofs of domains ask. */
export interface ProofResolver {
  /** The values of all TXT records. @throws DnsFailure */
  txt(name: string): Promise<readonly string[]>;
  /** The name of which this name is an alias. Undefined: it is none. @throws DnsFailure */
  alias(name: string): Promise<string | undefined>;
}

const TIMEOUT_MS = 5_000;
const TRIES = 2;
const ALIASES_MAX = 8;
const RECORDS_MAX = 50;
/** There is no such name, or no record of this type. */
const ABSENT: ReadonlySet<string> = new Set(['ENODATA', 'ENOTFOUND']);

/**
 * @param servers `address:port`; undefined: those of the machine
 * @param signal ends the questions that are open
 */
export function createResolver(
  servers: readonly string[] | undefined,
  signal: AbortSignal,
): NameResolver & ProofResolver {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES });
  if (servers !== undefined) resolver.setServers([...servers]);
  signal.addEventListener('abort', () => resolver.cancel(), { once: true });
  const caaOf = async (name: string): Promise<readonly CaaRecord[]> =>
    (await orNone(resolver.resolveCaa(name))).slice(0, RECORDS_MAX).flatMap(({ critical, ...properties }) =>
      Object.entries(properties).map(([tag, value]) => ({
        critical: critical !== 0,
        tag: plainText(tag),
        value: plainText(String(value)),
      })),
    );
  return {
    addresses: async (name, family) => await orNone(family === 4 ? resolver.resolve4(name) : resolver.resolve6(name)),
    caa: async (name, signal) => {
      let at = name;
      for (let alias = 0; alias <= ALIASES_MAX; alias += 1) {
        if (signal?.aborted === true) throw new DnsFailure('timeout', undefined);
        const records = await caaOf(at);
        if (records.length > 0) return records;
        const [next] = await orNone(resolver.resolveCname(at));
        if (next === undefined) return [];
        at = next;
      }
      throw new DnsFailure('too many aliases', undefined);
    },
    txt: async (name) => (await orNone(resolver.resolveTxt(name))).slice(0, RECORDS_MAX).map((parts) => parts.join('')),
    alias: async (name) => (await orNone(resolver.resolveCname(name)))[0]?.toLowerCase().replace(/\.$/, ''),
  };
}

/** No record is an empty list. @throws DnsFailure */
export async function orNone<T>(answer: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await answer;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
    if (ABSENT.has(code)) return [];
    throw new DnsFailure(code.replace(/^E/, ''), error);
  }
}
