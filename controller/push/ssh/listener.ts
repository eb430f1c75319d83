import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Clock } from '../../../shared/kit/clock.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { Logger } from '../../../shared/kit/log.ts';
import {
  ConnectionLimiter,
  type ConnectionLimits,
  type PeerName,
  type WatchedSocket,
} from '../../access/connection-limiter.ts';

/** `graceMs` is the time from TCP accept to the authentication. */
export interface ListenerLimits extends ConnectionLimits {
  /** Bytes that a client may send before its authentication. */
  readonly maxLoginBytes: number;
  /** A connection without traffic in both directions ends after this time. */
  readonly idleMs: number;
  /** Connections of one user at a time. Each can run one git. */
  readonly maxPerUser: number;
  /** Longest duration of a connection. */
  readonly totalMs: number;
}

export const DEFAULT_LIMITS: ListenerLimits = Object.freeze({
  maxWaiting: 100,
  maxWaitingPerAddress: 10,
  maxConnections: 1000,
  maxConnectionsPerAddress: 200,
  graceMs: 20_000,
  maxLoginBytes: 128 * 1024,
  idleMs: 10 * 60_000,
  maxPerUser: 32,
  totalMs: 3 * 60 * 60_000,
});

export interface ListenerDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly onSocket: (watched: WatchedSocket) => void;
}

/** Accepts TCP connections within limits. ssh2 gets only accepted connections. */
export class Listener {
  readonly #server: Server;
  readonly #connections: ConnectionLimiter;
  readonly #limits: ListenerLimits;
  readonly #deps: ListenerDeps;

  constructor(limits: ListenerLimits, deps: ListenerDeps) {
    this.#limits = limits;
    this.#deps = deps;
    this.#connections = new ConnectionLimiter(limits, { ...deps, name: 'ssh' });
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 }, (socket) => {
      this.#accept(socket);
    });
  }

  /** @throws SLIP_PUSH_PORT when the address cannot be used */
  listen(host: string, port: number): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause) => {
        reject(portError(host, port, cause));
      });
      this.#server.listen({ host, port, backlog: 511 }, () => {
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  /** Stops accepting connections. Open connections stay. */
  stopAccepting(): void {
    if (this.#server.listening) this.#server.close();
  }

  destroyAll(): void {
    this.#connections.destroyAll();
  }

  find(peer: PeerName): WatchedSocket | undefined {
    return this.#connections.find(peer);
  }

  authenticated(peer: PeerName): void {
    this.#connections.authenticated(peer);
  }

  #accept(socket: Socket): void {
    const watched = this.#connections.accept(socket);
    if (watched === undefined) return;
    this.#deps.clock.sleep(this.#limits.totalMs, watched.closed).then(() => socket.destroy(), noop);
    socket.setTimeout(this.#limits.idleMs, () => socket.destroy());
    this.#limitLoginBytes(watched);
    this.#deps.onSocket(watched);
  }

  #limitLoginBytes({ socket, waitingEnded }: WatchedSocket): void {
    const count = (): void => {
      if (socket.bytesRead > this.#limits.maxLoginBytes) socket.destroy();
    };
    // The socket is paused first, because a listener for data would start the flow before ssh2 listens.
    socket.pause().on('data', count);
    waitingEnded.addEventListener('abort', () => socket.off('data', count), { once: true });
  }
}

function noop(): void {
  // the socket closed earlier
}

function portError(host: string, port: number, cause: Error): SlipwayError {
  const busy = 'code' in cause && cause.code === 'EADDRINUSE';
  return new SlipwayError({
    code: 'SLIP_PUSH_PORT',
    message: `The SSH port ${String(port)} on ${host} ${busy ? 'is used by another program' : 'cannot be opened'}.`,
    hint: busy
      ? `See which program uses it: ss -ltnp 'sport = :${String(port)}'`
      : 'Choose another port in the configuration.',
    cause,
  });
}
