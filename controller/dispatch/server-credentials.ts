import { X509Certificate, createPrivateKey } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { ServerCredentials } from '@grpc/grpc-js';
import { SlipwayError } from '../../shared/kit/errors.ts';

/** PEM texts. Agents need a certificate that `ca` has signed. */
export interface ServerTls {
  readonly key: string;
  readonly certificate: string;
  readonly ca: string;
}

/** Node's default is 120 s. During this time a silent connection uses a file descriptor and memory. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Mutual TLS 1.2 or later. The server certificate can be replaced while the port is open. */
export class RenewableCredentials extends ServerCredentials {
  /** @throws SLIP_DISPATCH_TLS when key, certificate or CA are missing or do not match */
  constructor(tls: ServerTls) {
    super({ requestCert: true, rejectUnauthorized: true, handshakeTimeout: HANDSHAKE_TIMEOUT_MS }, contextOptions(tls));
  }

  /** New connections get the new certificate. Open connections keep the old one. @throws SLIP_DISPATCH_TLS */
  renew(tls: ServerTls): void {
    this.updateSecureContextOptions(contextOptions(tls));
  }

  _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOptions(tls: ServerTls): SecureContextOptions {
  try {
    new X509Certificate(tls.ca);
    if (!new X509Certificate(tls.certificate).checkPrivateKey(createPrivateKey(tls.key)))
      throw new Error('key and certificate differ');
    return {
      ca: Buffer.from(tls.ca),
      cert: [Buffer.from(tls.certificate)],
      key: [Buffer.from(tls.key)],
      minVersion: 'TLSv1.2',
    };
  } catch (cause) {
    throw new SlipwayError({
      code: 'SLIP_DISPATCH_TLS',
      message: "The controller's certificate, key or CA for agents cannot be read, so the agent port stays closed.",
      hint: "Restore the controller's tls folder from its backup, then start the controller again.",
      cause,
    });
  }
}
