import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { callAfter } from '../../shared/kit/timer.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { NodeTls } from './node-files.ts';

const PROBE_MS = 3_000;
/** How a Node server refuses a client certificate: without a word, when the handshake looks complete from here. */
const CUT_AFTER_HANDSHAKE = 'cut after the handshake';

/**
 * The gRPC library keeps the reason of a failed handshake to itself. One handshake by hand tells it: what TLS or the
 * network said, or an empty text when nothing was wrong.
 */
export function probeTls(of: {
  address: string;
  serverName: string | undefined;
  tls: NodeTls;
  clock: Clock;
}): Promise<string> {
  const at = of.address.lastIndexOf(':');
  const host = of.address.slice(0, at).replace(/^\[|\]$/g, '');
  const { key, certificate: cert, ca } = of.tls;
  const name = of.serverName ?? host;
  return new Promise((resolve) => {
    const servername = isIP(name) === 0 ? { servername: name } : {};
    const socket = connect({
      host,
      port: Number(of.address.slice(at + 1)),
      key,
      cert,
      ca,
      ALPNProtocols: ['h2'],
      ...servername,
    });
    const done = (words: string): void => {
      stop();
      socket.destroy();
      resolve(words);
    };
    const stop = callAfter(of.clock, PROBE_MS, () => done(socket.authorized ? '' : 'timed out'));
    let shaken = false;
    socket.once('secureConnect', () => {
      shaken = true;
    });
    const cut = (words: string): void => done(shaken ? CUT_AFTER_HANDSHAKE : words);
    socket.once('error', (error: Error & { code?: string }) => cut(`${error.code ?? ''} ${error.message}`));
    socket.once('close', () => cut('closed'));
    socket.once('data', () => done('')); // the server's HTTP/2 settings: all is well
  });
}
