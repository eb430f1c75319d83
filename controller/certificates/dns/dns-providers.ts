import { randomBytes } from 'node:crypto';
import { parseDnsProviderName, parseHostname } from '../../../shared/domain/names.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { Sensitive } from '../../../shared/kit/sensitive.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import type { ChallengeRecord, DnsProvider } from '../../domain/dns-providers.ts';
import type { Store } from '../../store/port.ts';
import type { DnsDriver } from './port.ts';
import { checkSettings, type ProviderInput } from './settings.ts';

interface DnsProvidersDeps {
  readonly store: Pick<Store, 'dnsProviders' | 'addDnsProvider' | 'removeDnsProvider'>;
  readonly createDriver: (provider: DnsProvider) => DnsDriver;
  readonly programsDir: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface NewProvider extends ProviderInput {
  readonly zone: string;
  readonly recordZone?: string | undefined;
}

export interface AddedProvider {
  readonly provider: DnsProvider;
  /** The alias that the operator must add for each domain. Undefined: none. */
  readonly aliasTarget: string | undefined;
}

/** The DNS providers of this fleet, for operators. */
export class DnsProviders {
  readonly #deps: DnsProvidersDeps;

  constructor(deps: DnsProvidersDeps) {
    this.#deps = deps;
  }

  /**
   * Adds a provider after a test: a TXT record is added and removed again. If the test fails, nothing is stored.
   * @throws SLIP_DNS_SETTING, SLIP_DNS_PROVIDER, SLIP_DNS_PROVIDER_EXISTS, SLIP_DNS_ZONE_TAKEN, SLIP_DNS_PROVIDERS
   */
  async add(input: NewProvider): Promise<AddedProvider> {
    const { store, createDriver, clock } = this.#deps;
    const name = parseDnsProviderName(input.name);
    const zone = parseHostname(input.zone);
    const recordZone = input.recordZone === undefined ? zone : parseHostname(input.recordZone);
    await this.#requireFree(name, zone);
    const { settings, secret } = await checkSettings({ ...input, name }, this.#deps);
    const provider: DnsProvider = {
      ...{ name, kind: input.kind, zone, recordZone, settings, createdAtMs: clock.nowMs() },
      secret: secret === undefined ? undefined : new Sensitive(secret),
    };
    const driver = createDriver(provider);
    await tryRecord(driver, `_acme-challenge.${recordZone}`);
    const { createdAtMs: _, ...row } = provider;
    await store.addDnsProvider(row);
    return { provider, aliasTarget: driver.aliasTarget };
  }

  /** @returns the records that the provider has not removed @throws SLIP_DNS_PROVIDER_NOT_FOUND */
  async remove(name: string): Promise<readonly ChallengeRecord[]> {
    const left = await this.#deps.store.removeDnsProvider(name);
    if (left === undefined) throw providerNotFound();
    return left;
  }

  /** An acme-dns server gives an account at the first step, so this is known before. The store checks it again. */
  async #requireFree(name: string, zone: string): Promise<void> {
    const taken = (await this.#deps.store.dnsProviders()).find((one) => one.name === name || one.zone === zone);
    if (taken === undefined) return;
    throw new SlipwayError({
      code: taken.name === name ? 'SLIP_DNS_PROVIDER_EXISTS' : 'SLIP_DNS_ZONE_TAKEN',
      kind: 'conflict',
      message: `There is a DNS provider ${taken.name} for the zone ${taken.zone} already.`,
      hint: `Remove it first: slipway tls:dns:remove ${taken.name}`,
    });
  }
}

/** A value as a challenge has it, which no CA asks for. */
async function tryRecord(driver: DnsDriver, name: string): Promise<void> {
  const value = randomBytes(32).toString('base64url');
  await driver.present(name, value);
  await driver.cleanup(name, value);
}

function providerNotFound(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DNS_PROVIDER_NOT_FOUND',
    httpStatus: 404,
    message: 'There is no DNS provider with this name.',
    hint: 'See them with: slipway tls:dns',
  });
}
