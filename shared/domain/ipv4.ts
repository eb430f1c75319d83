const OCTETS = /^(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})$/;

/** The four numbers of an IPv4 address, without leading zeros. `node:net` has the same check, but planners may not import it. */
export function isIpv4(text: string): boolean {
  return OCTETS.test(text) && text.split('.').every((octet) => Number(octet) <= 255);
}
