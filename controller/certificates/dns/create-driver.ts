import type { DnsProviderKind } from '../../../shared/domain/dns-provider.ts';
import { run } from '../../../shared/kit/exec.ts';
import type { DnsProvider } from '../../domain/dns-providers.ts';
import { createAcmeDns } from './acme-dns.ts';
import { createCloudflare } from './cloudflare.ts';
import { createDigitalOcean } from './digitalocean.ts';
import { createExecProgram } from './exec-program.ts';
import { createHetzner } from './hetzner.ts';
import { createNsupdate } from './nsupdate.ts';
import type { DnsDriver } from './port.ts';

interface DriverDeps {
  readonly programsDir: string;
  readonly signal: AbortSignal;
}

type Create = (provider: DnsProvider, deps: DriverDeps) => DnsDriver;

const DRIVERS: Readonly<Record<DnsProviderKind, Create>> = {
  'acme-dns': (provider, { signal }) => createAcmeDns(provider, signal),
  nsupdate: (provider, { signal }) => createNsupdate(provider, { run, signal }),
  exec: (provider, deps) => createExecProgram(provider, { run, ...deps }),
  cloudflare: (provider, { signal }) => createCloudflare(provider, { signal }),
  hetzner: (provider, { signal }) => createHetzner(provider, { signal }),
  digitalocean: (provider, { signal }) => createDigitalOcean(provider, { signal }),
};

export function createDriver(provider: DnsProvider, deps: DriverDeps): DnsDriver {
  return DRIVERS[provider.kind](provider, deps);
}
