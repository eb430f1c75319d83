import { createHash } from 'node:crypto';
import type { Reason } from '../../../shared/domain/instance.ts';
import { isInZone } from '../../../shared/domain/dns-provider.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { challengeNameOf, providerFor, type ChallengeRecord, type DnsProvider } from '../../domain/dns-providers.ts';
import type { CertificateOrder } from '../../domain/orders.ts';
import type { Store } from '../../store/port.ts';
import { dnsSilent } from '../preflight/findings.ts';
import { DnsFailure } from '../preflight/resolver.ts';
import { foreignAlias, noProvider, notPropagated, wrongAlias } from './findings.ts';
import type { ChallengeLookup } from './lookup.ts';
import type { DnsDriver } from './port.ts';

interface DnsChallengesDeps {
  readonly store: Pick<Store, 'dnsProviders' | 'addChallengeRecord' | 'challengeRecords'>;
  readonly lookup: ChallengeLookup;
  readonly createDriver: (provider: DnsProvider) => DnsDriver;
}

/** Who writes the record of a name, and where. */
interface RecordPlace {
  readonly provider: DnsProvider;
  readonly driver: DnsDriver;
  readonly name: string;
}

type Named = Pick<CertificateOrder, 'id' | 'hostname'>;

/** The TXT records of orders by DNS-01 (RFC 8555, 8.4). */
export class DnsChallenges {
  readonly #deps: DnsChallengesDeps;

  constructor(deps: DnsChallengesDeps) {
    this.#deps = deps;
  }

  /** Looks at what an order needs, and changes nothing. Undefined: the record can be added. */
  async check(hostname: string): Promise<Reason | undefined> {
    const place = await this.#place(hostname);
    return 'code' in place ? place : undefined;
  }

  /** Adds a record for each value. The store knows of it before the provider does. @returns why it was not added */
  async present({ id, hostname }: Named, values: readonly string[]): Promise<Reason | undefined> {
    const place = await this.#place(hostname);
    if ('code' in place) return place;
    const { driver, name, provider } = place;
    for (const value of values) {
      const note = (): Promise<void> =>
        this.#deps.store.addChallengeRecord({ orderId: id, provider: provider.name, name, value });
      await note();
      const failure = await reasonOf(() => driver.present(name, value));
      if (failure !== undefined) return failure;
      // If the domain was removed meanwhile, the record may count as removed already.
      await note();
    }
    return undefined;
  }

  /** Asks the name servers. Undefined: all that answer have every record of the order. */
  async missing({ id, hostname }: Named): Promise<Reason | undefined> {
    const { store, lookup } = this.#deps;
    try {
      for (const { name, value } of await store.challengeRecords(id)) {
        const servers = await lookup.serversWithout(name, value);
        if (servers.length > 0) return notPropagated(hostname, servers);
      }
      return undefined;
    } catch (error) {
      if (error instanceof DnsFailure) return dnsSilent(hostname, error.reason);
      throw error;
    }
  }

  /** @throws SLIP_DNS_PROVIDER */
  async cleanup({ provider: wanted, name, value }: ChallengeRecord): Promise<void> {
    const { store, createDriver } = this.#deps;
    const provider = (await store.dnsProviders()).find((one) => one.name === wanted);
    // The operator removed the provider, and was told which records remain.
    if (provider !== undefined) await createDriver(provider).cleanup(name, value);
  }

  async #place(hostname: string): Promise<RecordPlace | Reason> {
    const { store, lookup, createDriver } = this.#deps;
    const provider = providerFor(await store.dnsProviders(), hostname);
    if (provider === undefined) return noProvider(hostname);
    const driver = createDriver(provider);
    try {
      const name = await lookup.follow(challengeNameOf(hostname));
      const { aliasTarget } = driver;
      if (aliasTarget !== undefined && name !== aliasTarget) return wrongAlias(hostname, aliasTarget);
      if (aliasTarget === undefined && !isInZone(name, provider.recordZone)) {
        return foreignAlias(hostname, name, provider);
      }
      return { provider, driver, name };
    } catch (error) {
      if (error instanceof DnsFailure) return dnsSilent(hostname, error.reason);
      throw error;
    }
  }
}

/** The value of the record for a token (RFC 8555, 8.4). */
export function challengeValue(token: string, thumbprint: string): string {
  return createHash('sha256').update(`${token}.${thumbprint}`).digest('base64url');
}

async function reasonOf(work: () => Promise<void>): Promise<Reason | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    const { code, message, hint } = error;
    return { code, message, ...(hint === undefined ? {} : { hint }) };
  }
}
