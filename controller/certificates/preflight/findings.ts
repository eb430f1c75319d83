import { isIPv6 } from 'node:net';
import type { Reason } from '../../../shared/domain/instance.ts';
import type { CaaRefusal } from './caa.ts';

/** What the checks before an order find: one sentence with the cause, and what to do next. */

export function notPublic(hostname: string): Reason {
  return {
    code: 'SLIP_CERT_NOT_PUBLIC',
    message: `${hostname} is not a name that anybody can register, so no certificate authority gives a certificate to it.`,
    hint: 'Use a name below a domain that you own, such as www.example.com.',
  };
}

export function noAddress(hostname: string): Reason {
  return {
    code: 'SLIP_CERT_NO_ADDRESS',
    message: `${hostname} has no A record and no AAAA record.`,
    hint: `Add one for each node of the fleet, then run: slipway certs:check ${hostname}`,
  };
}

export function tooManyAddresses(hostname: string, max: number): Reason {
  return {
    code: 'SLIP_CERT_ADDRESSES',
    message: `${hostname} has more than ${String(max)} addresses, so Slipway does not check them.`,
    hint: 'Remove addresses that are not nodes of this fleet.',
  };
}

export function privateAddress(hostname: string, address: string): Reason {
  return {
    code: 'SLIP_CERT_PRIVATE_ADDRESS',
    message: `${hostname} has the private address ${address}, which the certificate authority cannot reach.`,
    hint: `Point the name to the public addresses of the nodes, then run: slipway certs:check ${hostname}`,
  };
}

export function foreignAddress({
  hostname,
  address,
  what,
  isCloudflare,
}: {
  readonly hostname: string;
  readonly address: string;
  readonly what: string;
  readonly isCloudflare: boolean;
}): Reason {
  if (isCloudflare) {
    return {
      code: 'SLIP_CERT_CLOUDFLARE',
      message: `Cloudflare answers for ${hostname} (${address}), and does not pass the question of the certificate authority on: ${what}.`,
      hint: 'In Cloudflare, set the SSL mode to Full and let /.well-known/acme-challenge/ pass, or set the record to "DNS only".',
    };
  }
  const [kind, record, first] = isIPv6(address)
    ? ['IPv6', 'AAAA', ', and the certificate authority uses IPv6 first']
    : ['IPv4', 'A', ''];
  return {
    code: 'SLIP_CERT_ADDRESS',
    message: `${hostname} has the ${kind} address ${address}, which is not this fleet: ${what}${first}.`,
    hint: `Remove the ${record} record, or point it to a node. Then run: slipway certs:check ${hostname}`,
  };
}

export function plainNode(hostname: string, address: string): Reason {
  const record = isIPv6(address) ? 'AAAA' : 'A';
  return {
    code: 'SLIP_CERT_PLAIN_NODE',
    message: `${hostname} has the address ${address} of a node that answers no HTTPS.`,
    hint: `Remove this ${record} record, or let the node answer HTTPS (slipway edge). Then run: slipway certs:check ${hostname}`,
  };
}

/** @param isTrusted the nodes accept the forwarding headers of Cloudflare */
export function flexibleFront(hostname: string, isTrusted: boolean): Reason {
  const loop = isTrusted
    ? ''
    : ' The fleet does not trust Cloudflare, so an app that redirects to HTTPS redirects without end.';
  const trust = isTrusted ? '' : ' An administrator also runs: slipway proxy:trust cloudflare';
  return {
    code: 'SLIP_CERT_FLEXIBLE',
    message: `Visitors of ${hostname} use HTTPS only up to Cloudflare, which asks the nodes over plain HTTP (SSL mode Flexible).${loop}`,
    hint: `In Cloudflare, set the SSL mode to "Full (strict)".${trust}`,
  };
}

export function untrustedFront(hostname: string): Reason {
  return {
    code: 'SLIP_CERT_UNTRUSTED_FRONT',
    message: `Cloudflare sends the requests for ${hostname}, and the fleet does not trust it. So the app sees addresses of Cloudflare instead of its visitors.`,
    hint: 'An administrator can change it with: slipway proxy:trust cloudflare',
  };
}

export function dnsSilent(hostname: string, reason: string): Reason {
  return {
    code: 'SLIP_CERT_DNS_SILENT',
    message: `The name servers of ${hostname} give no answer (${reason}).`,
    hint: `Repair the DNS of the domain, then run: slipway certs:check ${hostname}`,
  };
}

export function caaSilent(hostname: string, zone: string, reason: string): Reason {
  return {
    code: 'SLIP_CERT_CAA_SILENT',
    message: `The name servers give no answer about CAA records of ${zone} (${reason}). A certificate authority takes this as a no.`,
    hint: `Repair the name servers of ${zone}, then run: slipway certs:check ${hostname}`,
  };
}

export function caaForbids({
  zone,
  identity,
  allowed,
  tag,
}: CaaRefusal & { readonly hostname: string; readonly zone: string; readonly identity: string }): Reason {
  if (tag === 'unknown') {
    return {
      code: 'SLIP_CERT_CAA_CRITICAL',
      message: `A CAA record at ${zone} has ${allowed} and is marked as critical, so it forbids every certificate.`,
      hint: `Remove this record from ${zone}.`,
    };
  }
  return {
    code: 'SLIP_CERT_CAA_FORBIDS',
    message: `The CAA records (${tag}) at ${zone} allow ${allowed}.`,
    hint: `Add this record to ${zone}: CAA 0 ${tag} "${identity}"`,
  };
}

export function clockWrong(differenceMs: number): Reason {
  const minutes = Math.round(Math.abs(differenceMs) / 60_000);
  const side = differenceMs > 0 ? 'behind' : 'ahead of';
  return {
    code: 'SLIP_CERT_CLOCK',
    message: `The clock of the controller is ${String(minutes)} minutes ${side} the clock of the certificate authority.`,
    hint: 'Set it right, for example with: timedatectl set-ntp true',
  };
}
