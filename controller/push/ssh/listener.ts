import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Clock } from '../../../shared/kit/clock.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { Logger } from '../../../shared/kit/log.ts';
import { addressGroup, admit, type AdmissionLimits } from './admission.ts';

export interface ListenerLimits extends AdmissionLimits {
  /** Time from TCP accept to proven identity. */
  readonly loginGraceMs: number;
  /** Bytes a client may send before that. */
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
  loginGraceMs: 20_000,
  maxLoginBytes: 128 * 1024,
  idleMs: 10 * 60_000,
  maxPerUser: 32,
  totalMs: 3 * 60 * 60_000,
});

/** A TCP connection under the listener's watch. */
export interface WatchedSocket {
  readonly socket: Socket;
  /** Monotonic ms. */
  readonly acceptedAtMs: number;
  /** The client has proven who it is: the login limits end. */
  loggedIn(): void;
}

interface Waiting extends WatchedSocket {
  readonly address: string;
  readonly silent: boolean;
}

export interface ListenerDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly onSocket: (watched: WatchedSocket) => void;
}

/** Accepts TCP connections within limits; ssh2 sees only what got in. */
export class Listener {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #waiting = new Map<Socket, Waiting>();
  readonly #limits: ListenerLimits;
  readonly #deps: ListenerDeps;

  constructor(limits: ListenerLimits, deps: ListenerDeps) {
    this.#limits = limits;
    this.#deps = deps;
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
    for (const socket of this.#open) socket.destroy();
  }

  #accept(socket: Socket): void {
    socket.on('error', noop);
    const address = addressGroup(socket.remoteAddress ?? '');
    const verdict = admit(address, this.#waiting.values(), { ...this.#limits, connections: this.#open.size });
    if (!verdict.accept) {
      this.#deps.log.warn({ address }, 'ssh.refused_crowd');
      socket.destroy();
      return;
    }
    verdict.drop?.socket.destroy();
    if (verdict.drop !== undefined) this.#waiting.delete(verdict.drop.socket);
    this.#deps.onSocket(this.#watch(socket, address));
  }

  #watch(socket: Socket, address: string): WatchedSocket {
    const ended = new AbortController();
    const loggedIn = new AbortController();
    const login = AbortSignal.any([ended.signal, loggedIn.signal]);
    const watched: Waiting = {
      socket,
      address,
      acceptedAtMs: this.#deps.clock.monotonicMs(),
      get silent() {
        return socket.bytesRead === 0;
      },
      loggedIn: () => {
        this.#waiting.delete(socket);
        loggedIn.abort('logged in');
      },
    };
    this.#open.add(socket);
    this.#waiting.set(socket, watched);
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#waiting.delete(socket);
      ended.abort('closed');
    });
    this.#limitTime(socket, this.#limits.loginGraceMs, login);
    this.#limitTime(socket, this.#limits.totalMs, ended.signal);
    socket.setTimeout(this.#limits.idleMs, () => socket.destroy());
    this.#limitLoginBytes(socket, login);
    return watched;
  }

  #limitTime(socket: Socket, ms: number, over: AbortSignal): void {
    this.#deps.clock.sleep(ms, over).then(() => socket.destroy(), noop);
  }

  #limitLoginBytes(socket: Socket, over: AbortSignal): void {
    const count = (): void => {
      if (socket.bytesRead > this.#limits.maxLoginBytes) socket.destroy();
    };
    // Paused first: listening for data must not start the flow before ssh2 listens too.
    socket.pause().on('data', count);
    over.addEventListener('abort', () => socket.off('data', count), { once: true });
  }
}

function noop(): void {
  // the close event tells all that matters
}

function portError(host: string, port: number, cause: Error): SlipwayError {
  const busy = 'code' in cause && cause.code === 'EADDRINUSE';
  return new SlipwayError({
    code: 'SLIP_PUSH_PORT',
    message: `The SSH port ${String(port)} on ${host} ${busy ? 'is used by another program' : 'cannot be opened'}.`,
    hint: busy ? `See which program holds it: ss -ltnp 'sport = :${String(port)}'` : 'Choose another port in the configuration.',
    cause,
  });
}
