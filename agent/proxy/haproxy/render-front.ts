import { isIPv6 } from 'node:net';
import type { ProxyBind, ProxyPaths, ProxySettings } from './settings.ts';
import type { SlotTable } from './slot-table.ts';

// The public port: where it listens, which Host headers it accepts, and from which senders it trusts forwarding headers.

/** One name or address and at most one port (RFC 9110, 7.2). HAProxy would use the last name of a list. */
const HOST_HEADER = '^([A-Za-z0-9._-]{1,255}|\\[[0-9A-Fa-f:.]{2,45}\\])(:[0-9]{1,5})?$';

/** `*` means all addresses: IPv4, and IPv6 if the machine has it. */
export function bindLines({ binds, ipv6 }: Pick<ProxySettings, 'binds' | 'ipv6'>): string[] {
  return binds.flatMap(({ address, port }) => listenAddresses({ address, port }, ipv6).map((each) => `  bind ${each}`));
}

export function listenAddresses({ address, port }: ProxyBind, ipv6: boolean): string[] {
  if (address === '*') return [`*:${String(port)}`, ...(ipv6 ? [`:::${String(port)} v6only`] : [])];
  // HAProxy splits at the last colon, so an IPv6 address needs no brackets.
  return [`${address}:${String(port)}${isIPv6(address) ? ' v6only' : ''}`];
}

/** Refuses a request without a Host header, with two names in it, or with invalid characters. */
export function hostLines(): string[] {
  return [
    `  http-request deny deny_status 400 unless { req.fhdr(host) -m reg ${HOST_HEADER} }`,
    '  http-request set-var(txn.host) req.hdr(host),field(1,:),lower,rtrim(.)',
  ];
}

/** What the map says about a front proxy. */
const TRUSTED = 't';
const PROXY_PROTOCOL = 'p';

export function renderFronts(table: Pick<SlotTable, 'fronts'>): string {
  return [...frontEntries(table)].map(([key, value]) => `${key} ${value}\n`).join('');
}

/** Address or network → what it may send. HAProxy takes the smallest network that has the address. */
export function frontEntries({ fronts }: Pick<SlotTable, 'fronts'>): ReadonlyMap<string, string> {
  return new Map([
    ...fronts.trusted.map((front) => [front, TRUSTED] as const),
    ...fronts.proxyProtocol.map((front) => [front, PROXY_PROTOCOL] as const),
  ]);
}

/** With a PROXY protocol header, the address of the client is the one in the header. Others cannot send one. */
export function proxyProtocolLines({ fronts }: Pick<ProxyPaths, 'fronts'>): string[] {
  return [`  tcp-request connection expect-proxy layer4 if { src,map_ip(${fronts}) -m str ${PROXY_PROTOCOL} }`];
}

/**
 * Address, protocol and port of the client. A front proxy sends them as headers. Those of all other senders are removed or replaced, so that
 * no client can claim another address, or that it used HTTPS. (Some frameworks prefer Forwarded, RFC 7239, to the other headers.)
 */
export function clientLines({ fronts }: Pick<ProxyPaths, 'fronts'>, tls: boolean): string[] {
  return [
    `  acl from_front src,map_ip(${fronts}) -m str ${TRUSTED}`,
    '  http-request del-header X-Forwarded-For unless from_front',
    '  http-request del-header Forwarded unless from_front',
    '  http-request set-var(txn.xff) req.fhdr(x-forwarded-for)',
    '  http-request set-var(txn.proto) str(http)',
    ...(tls ? ['  http-request set-var(txn.proto) str(https) if { ssl_fc }'] : []),
    '  http-request set-var(txn.port) dst_port',
    '  acl front_says_https req.hdr(x-forwarded-proto,-1) -i https',
    '  acl front_says_http req.hdr(x-forwarded-proto,-1) -i http',
    '  acl front_says_port req.hdr(x-forwarded-port,-1) -m reg ^[0-9]{1,5}$',
    '  http-request set-var(txn.proto) str(https) if from_front front_says_https',
    '  http-request set-var(txn.port) int(443) if from_front front_says_https',
    // The front uses HTTPS itself, and its client does not.
    '  http-request set-var(txn.proto) str(http) if from_front front_says_http',
    ...(tls ? ['  http-request set-var(txn.port) int(80) if from_front front_says_http { ssl_fc }'] : []),
    '  http-request set-var(txn.port) req.hdr(x-forwarded-port,-1) if from_front front_says_port',
  ];
}

export function forwardedLines(): string[] {
  return [
    '  http-request set-header X-Forwarded-Proto %[var(txn.proto)]',
    '  http-request set-header X-Forwarded-Port %[var(txn.port)]',
  ];
}
