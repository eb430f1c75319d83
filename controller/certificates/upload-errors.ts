import { SlipwayError } from '../../shared/kit/errors.ts';

// What can be wrong with an uploaded certificate. No message repeats a part of a file, because the file can be a private key.

const HELP = 'Upload the certificate with its chain, and the key that belongs to it: slipway certs:add CRT KEY -a APP';

function refused(code: string, message: string, hint: string): SlipwayError {
  return new SlipwayError({ code, httpStatus: 422, message, hint });
}

export function fileTooLarge(what: string, bytes: number, max: number): SlipwayError {
  return refused(
    'SLIP_CERT_SIZE',
    `The file of the ${what} has ${String(bytes)} bytes. A certificate with its chain, and a key, have at most ${String(max)} bytes.`,
    'Check that you named the right file.',
  );
}

export function certificateUnreadable(): SlipwayError {
  return refused('SLIP_CERT_UNREADABLE', 'The file of the certificate has no certificate in PEM or DER form.', HELP);
}

export function keyAsCertificate(): SlipwayError {
  return refused(
    'SLIP_CERT_IS_KEY',
    'The file that you named as the certificate is a private key. It was not stored.',
    'Name the certificate first, then the key: slipway certs:add CRT KEY -a APP',
  );
}

export function certificateAsKey(): SlipwayError {
  return refused(
    'SLIP_CERT_KEY_IS_CERTIFICATE',
    'The file that you named as the key is a certificate.',
    'Name the certificate first, then the key: slipway certs:add CRT KEY -a APP',
  );
}

export function keyUnreadable(): SlipwayError {
  return refused('SLIP_CERT_KEY_UNREADABLE', 'The file of the key has no private key in PEM or DER form.', HELP);
}

export function keyEncrypted(): SlipwayError {
  return refused(
    'SLIP_CERT_KEY_ENCRYPTED',
    'The key is encrypted with a passphrase, so no server could use it after a restart.',
    'Remove the passphrase, and upload the result: openssl pkey -in KEY -out plain.key',
  );
}

export function keyWeak(bits: number, min: number, max: number): SlipwayError {
  return refused(
    'SLIP_CERT_KEY_SIZE',
    `The RSA key has ${String(bits)} bits. It must have from ${String(min)} to ${String(max)} bits.`,
    'Ask your certificate authority for a certificate with a new key: RSA of 2048 bits, or ECDSA P-256.',
  );
}

export function keyOfOtherKind(kind: string): SlipwayError {
  return refused(
    'SLIP_CERT_KEY_KIND',
    `Browsers do not accept certificates with a key of the kind ${kind}.`,
    'Ask your certificate authority for a certificate with an RSA key of 2048 bits, or with ECDSA P-256 or P-384.',
  );
}

export function keyOfOtherCertificate(): SlipwayError {
  return refused(
    'SLIP_CERT_KEY_MISMATCH',
    'The key does not belong to any certificate in the file.',
    'Compare the two with: openssl x509 -in CRT -noout -pubkey, and: openssl pkey -in KEY -pubout',
  );
}

export function expired(atMs: number): SlipwayError {
  return refused(
    'SLIP_CERT_EXPIRED',
    `The certificate ended on ${dayOf(atMs)}.`,
    'Upload the renewed certificate of your certificate authority.',
  );
}

export function notYetValid(atMs: number): SlipwayError {
  return refused(
    'SLIP_CERT_NOT_YET',
    `The certificate is valid only from ${new Date(atMs).toISOString()} on.`,
    'Upload it then. If it should be valid now, check the clock of the controller.',
  );
}

export function withoutNames(): SlipwayError {
  return refused(
    'SLIP_CERT_NO_NAMES',
    'The certificate has no DNS name in its subject alternative names, so no browser accepts it.',
    'Ask your certificate authority for a certificate with the names of your app as subject alternative names.',
  );
}

export function ofOtherNames(app: string, names: readonly string[]): SlipwayError {
  const some = names.slice(0, 5).join(', ');
  const more = names.length > 5 ? `, and ${String(names.length - 5)} more` : '';
  return refused(
    'SLIP_CERT_OTHER_NAMES',
    `The certificate is for ${some}${more}, and ${app} has no domain that matches.`,
    `Add the domain first: slipway domains:add HOSTNAME -a ${app}`,
  );
}

/** @param cause why the key is not secret any more */
export function keyExposed(cause: string): SlipwayError {
  return refused(
    'SLIP_CERT_KEY_EXPOSED',
    `The key of this certificate is not secret any more. ${cause}`,
    'Make a new key, and ask your certificate authority for a certificate with it. Then upload both: slipway certs:add CRT KEY -a APP',
  );
}

export function chainTooLong(bytes: number, max: number): SlipwayError {
  return refused(
    'SLIP_CERT_CHAIN_LONG',
    `The certificate with its chain and key has ${String(bytes)} bytes as PEM. The proxies take at most ${String(max)} bytes.`,
    'Upload only the certificate and the intermediates that your certificate authority names for web servers.',
  );
}

function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
