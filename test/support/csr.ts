import { webcrypto } from 'node:crypto';
import * as x509 from '../../shared/kit/x509.ts';

export interface Csr {
  readonly csrPem: string;
  readonly keyPem: string;
}

/** A certificate request of a node, with any names that an attacker may ask for. */
export async function makeCsr(wishes: { name?: string; dns?: string; ca?: boolean }): Promise<Csr> {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const csr = await x509.Pkcs10CertificateRequestGenerator.create({
    name: wishes.name ?? 'CN=node',
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [
      new x509.BasicConstraintsExtension(wishes.ca ?? false),
      ...(wishes.dns === undefined
        ? []
        : [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: wishes.dns }])]),
    ],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { csrPem: `${csr.toString('pem')}\n`, keyPem: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n` };
}
