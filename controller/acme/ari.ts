import * as x509 from '../../shared/kit/x509.ts';

/**
 * The id of a certificate for renewal information (RFC 9773, 4.1): the key identifier of its issuer, a dot, and its serial number, both
 * base64url. Undefined: the certificate does not name the key of its issuer.
 * @param certificate the first certificate of a chain in PEM
 */
export function ariIdOf(certificate: string): string | undefined {
  const leaf = new x509.X509Certificate(certificate);
  const keyId = leaf.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId;
  if (keyId === undefined || !/^(?:[0-9a-f]{2})+$/i.test(keyId)) return undefined;
  return `${base64url(keyId)}.${base64url(serialBytes(leaf.serialNumber))}`;
}

/** The bytes of a positive DER integer: a first bit that is 1 needs a byte of zeros before it. */
function serialBytes(hex: string): string {
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  return /^[89a-f]/i.test(even) ? `00${even}` : even;
}

function base64url(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64url');
}
