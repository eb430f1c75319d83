import type { PeerCertificate } from 'node:tls';

/** The serial of a peer's certificate in the stored form: whole bytes in lower-case hex, without leading zero bytes. */
export function serialOf(certificate: Pick<PeerCertificate, 'serialNumber'> | undefined): string | undefined {
  const serial = certificate?.serialNumber;
  if (serial === undefined || !/^[0-9A-Fa-f]+$/.test(serial)) return undefined;
  return canonicalSerial(serial);
}

export function canonicalSerial(serial: string): string {
  const lower = serial.toLowerCase();
  return (lower.length % 2 === 0 ? lower : `0${lower}`).replace(/^(?:00)+(?=..)/, '');
}
