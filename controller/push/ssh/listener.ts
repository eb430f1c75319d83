import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Clock } from '../../../shared/kit/clock.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { Logger } from '../../../shared/kit/log.ts';
import { SocketDoor, type DoorLimits, type PeerName, type WatchedSocket } from '../../access/socket-door.ts';

/** `graceMs`: from TCP accept to proven identity. */
export interface ListenerLimits extends DoorLimits {
  /** Bytes that a client may send before that. */
  readonly maxLoginBytes: number;
  /** Without a byte in either direction. */
  readonly idleMs: number;
  /** Connections of one user at a time; each may run a git. */
  readonly maxPerUser: number;
  /** Of a connection, whatever happens on it. */
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

/** Accepts TCP connections within limits; ssh2 sees only what got in. */
export class Listener {
  readonly #server: Server;
  readonly #door: SocketDoor;
  readonly #limits: ListenerLimits;
  readonly #deps: ListenerDeps;

  constructor(limits: ListenerLimits, deps: ListenerDeps) {
    this.#limits = limits;
    this.#deps = deps;
    this.#door = new SocketDoor(limits, { ...deps, name: 'ssh' });
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

  /** Stops accepting; open connections stay. */
  stopAccepting(): void {
    if (this.#server.listening) this.#server.close();
  }

  destroyAll(): void {
    this.#door.destroyAll();
  }

  find(peer: PeerName): WatchedSocket | undefined {
    return this.#door.find(peer);
  }

  proven(peer: PeerName): void {
    this.#door.proven(peer);
  }

  #accept(socket: Socket): void {
    const watched = this.#door.take(socket);
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
    // Paused first: listening for data must not start the flow before ssh2 listens too.
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
