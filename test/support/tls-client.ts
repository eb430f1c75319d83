import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { request } from 'node:https';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';

export interface TlsAnswer {
  readonly status: number;
  readonly headers: Readonly<IncomingHttpHeaders>;
  readonly body: string;
}

export interface TlsAsk {
  readonly ca?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Another name than the one of the Host header; empty: none. */
  readonly serverName?: string;
}

/** One request over HTTP/1.1 on a new connection. With a CA, the certificate is verified. */
export function askTls(
  port: number,
  host: string,
  { ca, path = '/', headers = {}, serverName }: TlsAsk = {},
): Promise<TlsAnswer> {
  return new Promise((resolve, reject) => {
    const tls = {
      servername: serverName ?? host,
      rejectUnauthorized: ca !== undefined,
      ...(ca === undefined ? {} : { ca }),
    };
    const outgoing = request({ host: '127.0.0.1', port, path, agent: false, headers: { host, ...headers }, ...tls });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    outgoing.end();
  });
}

/** One request over HTTP/2 on a new connection. */
export function askHttp2(
  port: number,
  host: string,
  { ca, path = '/', headers = {}, serverName }: TlsAsk = {},
): Promise<TlsAnswer> {
  return new Promise((resolve, reject) => {
    const tls = {
      servername: serverName ?? host,
      rejectUnauthorized: ca !== undefined,
      ...(ca === undefined ? {} : { ca }),
    };
    const session = connectHttp2(`https://127.0.0.1:${String(port)}`, tls);
    session.on('error', reject);
    const stream = session.request({ ':path': path, ':authority': host, ...headers });
    let answered: IncomingHttpHeaders & { ':status'?: number | undefined } = {};
    let body = '';
    stream.on('response', (found) => (answered = found));
    stream.on('data', (chunk: Buffer) => (body += chunk.toString()));
    stream.on('error', reject);
    stream.on('end', () => {
      session.close();
      resolve({ status: answered[':status'] ?? 0, headers: answered, body });
    });
    stream.end();
  });
}

/** The socket after the handshake. */
export function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
    socket.once('error', reject);
    socket.once('secureConnect', () => resolve(socket));
  });
}

/** SHA-256 of the certificate that the server shows for a name, in lower-case hex. */
export async function shownFingerprint(port: number, servername: string): Promise<string> {
  const socket = await handshake(port, { servername });
  const shown = socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase();
  socket.destroy();
  return shown;
}
