import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { callAfter } from '../../shared/kit/timer.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { NodeTls } from './node-files.ts';

const PROBE_MS = 3_000;
/** A Node server that refuses a client certificate closes the connection without a message, after a handshake that looks complete here. */
const CUT_AFTER_HANDSHAKE = 'cut after the handshake';

export interface TlsProbe {
  /** `host:port` */
  readonly address: string;
  readonly serverName: string | undefined;
  readonly tls: NodeTls;
  readonly clock: Clock;
}

/**
 * The gRPC library does not tell the reason of a failed handshake, so this makes one more handshake.
 * @returns the message of TLS or the network; an empty text when nothing was wrong
 */
export function probeTls({ address, serverName, tls, clock }: TlsProbe): Promise<string> {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replace(/^\[|\]$/g, '');
  const { key, certificate: cert, ca } = tls;
  const name = serverName ?? host;
  return new Promise((resolve) => {
    const servername = isIP(name) === 0 ? { servername: name } : {};
    const socket = connect({
      host,
      port: Number(address.slice(at + 1)),
      key,
      cert,
      ca,
      ALPNProtocols: ['h2'],
      ...servername,
    });
    const done = (message: string): void => {
      stop();
      socket.destroy();
      resolve(message);
    };
    const stop = callAfter(clock, PROBE_MS, () => done(socket.authorized ? '' : 'timed out'));
    let shaken = false;
    socket.once('secureConnect', () => {
      shaken = true;
    });
    const cut = (message: string): void => done(shaken ? CUT_AFTER_HANDSHAKE : message);
    socket.once('error', (error: Error & { code?: string }) => cut(`${error.code ?? ''} ${error.message}`));
    socket.once('close', () => cut('closed'));
    socket.once('data', () => done('')); // the HTTP/2 settings of the server: nothing is wrong
  });
}
