const SEQUENCE = 0x30;
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;
const PERMITTED = 0xa0;
const EXCLUDED = 0xa1;
const SHORT_MAX = 127;

/**
 * NameConstraints (RFC 5280, 4.2.1.10) of a CA that may sign only DNS names below one domain. A list of permitted DNS names says nothing of
 * addresses, so all of them are excluded.
 */
export function nameConstraints(domain: string): Uint8Array<ArrayBuffer> {
  const permitted = tlv(PERMITTED, tlv(SEQUENCE, tlv(DNS_NAME, Buffer.from(domain, 'ascii'))));
  // An address and a mask of zeros stand for all addresses: IPv4, then IPv6.
  const all = [8, 32].map((bytes) => tlv(SEQUENCE, tlv(IP_ADDRESS, Buffer.alloc(bytes))));
  return new Uint8Array(tlv(SEQUENCE, Buffer.concat([permitted, tlv(EXCLUDED, Buffer.concat(all))])));
}

function tlv(tag: number, content: Buffer): Buffer {
  if (content.length > SHORT_MAX) throw new Error('the domain is too long for this certificate');
  return Buffer.concat([Buffer.from([tag, content.length]), content]);
}
