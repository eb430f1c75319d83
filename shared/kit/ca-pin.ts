import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate } from 'node:tls';

const CHAIN_MAX = 10;

/** The pin of a CA: `sha256:` and the hex SHA-256 of the certificate's public key (SPKI, DER). */
export function pinOf(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`;
}

/**
 * Reads the certificates that a server shows in its handshake, without trust in them and without sending data.
 * To send a secret, connect again and trust only the found CA.
 * @returns the CA with this pin, PEM; undefined when the server shows none. Rejects when the server does not answer.
 */
export async function findCaByPin(url: URL, pin: string, timeoutMs: number): Promise<string | undefined> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const name = isIP(host) === 0 ? { servername: host } : {};
  const port = url.port === '' ? 443 : Number(url.port);
  // Not verified on purpose: only the pin is known yet.
  const socket = connect({ host, port, rejectUnauthorized: false, minVersion: 'TLSv1.2', ...name });
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.timeout(timeoutMs) });
    const chain = chainOf(socket.getPeerCertificate(true));
    return chain.find((certificate) => certificate.ca && pinOf(certificate) === pin.toLowerCase())?.toString();
  } finally {
    socket.destroy();
  }
}

function chainOf(leaf: DetailedPeerCertificate): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let at: DetailedPeerCertificate | undefined = leaf;
  while (at !== undefined && Buffer.isBuffer(at.raw) && chain.length < CHAIN_MAX) {
    chain.push(new X509Certificate(at.raw));
    at = at.issuerCertificate === at ? undefined : at.issuerCertificate;
  }
  return chain;
}
