import type { Reason } from '../../../shared/domain/instance.ts';
import { challengeNameOf, withoutStar, type DnsProvider } from '../../domain/dns-providers.ts';

/** What keeps a name from its certificate by DNS-01: one sentence with the cause, and what to do next. */

export function noProvider(hostname: string): Reason {
  return {
    code: 'SLIP_CERT_NO_DNS_PROVIDER',
    message: `No DNS provider is set for ${withoutStar(hostname)}, and a certificate authority gives a certificate for ${hostname} only by a DNS record.`,
    hint: `An administrator can add one: ${addCommand(hostname)}`,
  };
}

export function addCommand(hostname: string): string {
  return `slipway tls:dns:add NAME --provider acme-dns --zone ${withoutStar(hostname)}`;
}

/** acme-dns has one name of its own, so the name of the challenge must be an alias of it. */
export function wrongAlias(hostname: string, target: string): Reason {
  return {
    code: 'SLIP_CERT_DNS_ALIAS',
    message: `${challengeNameOf(hostname)} is not an alias of ${target}, where the DNS provider puts the TXT record.`,
    hint: `Add this record to the DNS of the domain: ${challengeNameOf(hostname)} CNAME ${target}. Then run: slipway certs:check '${hostname}'`,
  };
}

export function foreignAlias(hostname: string, name: string, { name: provider, recordZone }: DnsProvider): Reason {
  return {
    code: 'SLIP_CERT_DNS_ALIAS',
    message: `${challengeNameOf(hostname)} leads to ${name}, which is not in the zone ${recordZone} of the DNS provider ${provider}.`,
    hint: `Remove the CNAME record, or remove the provider and add it again with --record-zone. Then run: slipway certs:check '${hostname}'`,
  };
}

export function notPropagated(hostname: string, servers: readonly string[]): Reason {
  const shown = servers.slice(0, 3).join(', ');
  const more = servers.length > 3 ? ` and ${String(servers.length - 3)} more` : '';
  return {
    code: 'SLIP_CERT_DNS_PROPAGATION',
    message: `The TXT record at ${challengeNameOf(hostname)} was added, but ${shown}${more} did not answer with it in ten minutes.`,
    hint: `See whether all name servers of the domain get the same records. Then run: slipway certs:check '${hostname}'`,
  };
}
