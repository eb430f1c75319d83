import { join } from 'node:path';
import { networksOf } from '../shared/domain/front-proxies.ts';
import { VERSION } from '../shared/kit/version.ts';
import { createDriver } from './certificates/dns/create-driver.ts';
import { DnsChallenges } from './certificates/dns/dns-challenges.ts';
import { DnsProviders } from './certificates/dns/dns-providers.ts';
import { createChallengeLookup } from './certificates/dns/lookup.ts';
import type { DnsDriver } from './certificates/dns/port.ts';
import { RecordCleaner } from './certificates/dns/record-cleaner.ts';
import { AcmeAccounts } from './certificates/orders/accounts.ts';
import { AutomaticCertificates, findNoRelease } from './certificates/orders/automatic-certificates.ts';
import { keepIssued } from './certificates/orders/keep-issued.ts';
import { OrderLoop } from './certificates/orders/order-loop.ts';
import { RevocationLoop } from './certificates/revocations/revocation-loop.ts';
import type { Preflight } from './certificates/orders/steps.ts';
import { createFrontLook } from './certificates/preflight/front.ts';
import { createPreflight } from './certificates/preflight/preflight.ts';
import { createResolver } from './certificates/preflight/resolver.ts';
import type { DnsProvider } from './domain/dns-providers.ts';
import type { Fleet } from './dispatch/port.ts';
import { isPublicCa } from './domain/tls-settings.ts';
import type { Basics, Foundations } from './foundations.ts';

/** Everything that orders certificates from a CA. Nothing runs yet. */
export function composeCertificates(
  { config, clock, log, failpoint, signal }: Basics,
  { store }: Foundations,
  fleet: Fleet,
): { readonly automaticCertificates: AutomaticCertificates; readonly dnsProviders: DnsProviders } {
  const accounts = new AcmeAccounts({ store, clock, signal, userAgent: `slipway/${VERSION}` });
  const resolver = createResolver(config.acme.dnsServers, signal);
  const programsDir = config.acme.dnsProgramsDir ?? join(config.stateDir, 'dns-programs');
  const driverOf = (provider: DnsProvider): DnsDriver => createDriver(provider, { programsDir, signal });
  const lookup = createChallengeLookup({ servers: config.acme.dnsServers, port: config.acme.dnsPort, signal });
  const dns = new DnsChallenges({ store, lookup, createDriver: driverOf });
  const preflight: Preflight = async (hostname, account) => {
    const { directoryUrl } = await store.tlsSettings();
    const look = createPreflight({
      ...{ resolver, dns, port: config.acme.challengePort, signal },
      arePrivateAddressesAllowed: !isPublicCa(directoryUrl),
    });
    return (await findNoRelease(store, hostname)) ?? (await look(hostname, account));
  };
  const trusted = async (): Promise<readonly string[]> => networksOf((await store.frontProxies()).trusted);
  const lookAtFront = createFrontLook({ resolver, trusted, signal });
  const certificates = keepIssued({ store, fleet, clock });
  const loop: OrderLoop = new OrderLoop({
    ...{ store, accounts, preflight, dns, clock, log, failpoint, random: Math.random },
    certificates,
    onMove: (from, to) => automaticCertificates.tell(from, to),
  });
  const revocations = new RevocationLoop({
    ...{ store, accounts, certificates, clock, log, failpoint, onOrder: () => loop.changed() },
  });
  const cleaner = new RecordCleaner({ store, dns, clock, failpoint, log });
  const automaticCertificates = new AutomaticCertificates({
    ...{ store, fleet, accounts, loop, cleaner, revocations, preflight, lookAtFront, log },
  });
  const dnsProviders = new DnsProviders({ store, createDriver: driverOf, programsDir, clock, signal });
  return { automaticCertificates, dnsProviders };
}
