import { networksOf } from '../shared/domain/front-proxies.ts';
import { VERSION } from '../shared/kit/version.ts';
import { AcmeAccounts } from './certificates/orders/accounts.ts';
import { AutomaticCertificates, findNoRelease } from './certificates/orders/automatic-certificates.ts';
import { keepIssued } from './certificates/orders/keep-issued.ts';
import { OrderLoop } from './certificates/orders/order-loop.ts';
import type { Preflight } from './certificates/orders/steps.ts';
import { createFrontLook } from './certificates/preflight/front.ts';
import { createPreflight } from './certificates/preflight/preflight.ts';
import { createResolver } from './certificates/preflight/resolver.ts';
import type { Fleet } from './dispatch/port.ts';
import { isPublicCa } from './domain/tls-settings.ts';
import type { Basics, Foundations } from './foundations.ts';

/** Everything that orders certificates from a CA. Nothing runs yet. */
export function composeCertificates(
  { config, clock, log, failpoint, signal }: Basics,
  { store }: Foundations,
  fleet: Fleet,
): AutomaticCertificates {
  const accounts = new AcmeAccounts({ store, clock, signal, userAgent: `slipway/${VERSION}` });
  const resolver = createResolver(config.acme.dnsServers, signal);
  const preflight: Preflight = async (hostname, account) => {
    const { directoryUrl } = await store.tlsSettings();
    const look = createPreflight({
      ...{ resolver, port: config.acme.challengePort, signal },
      arePrivateAddressesAllowed: !isPublicCa(directoryUrl),
    });
    return (await findNoRelease(store, hostname)) ?? (await look(hostname, account));
  };
  const trusted = async (): Promise<readonly string[]> => networksOf((await store.frontProxies()).trusted);
  const lookAtFront = createFrontLook({ resolver, trusted, signal });
  const loop: OrderLoop = new OrderLoop({
    ...{ store, accounts, preflight, clock, log, failpoint, random: Math.random },
    certificates: keepIssued({ store, fleet, clock }),
    onMove: (from, to) => automatic.tell(from, to),
  });
  const automatic = new AutomaticCertificates({ store, fleet, accounts, loop, preflight, lookAtFront, log });
  return automatic;
}
