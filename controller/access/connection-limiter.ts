import type { Socket } from 'node:net';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import { addressGroup, admit, type AdmissionLimits } from './admission.ts';

export interface ConnectionLimits extends AdmissionLimits {
  /** Longest time from TCP accept to the first request or the authentication. */
  readonly graceMs: number;
}

export interface ConnectionLimiterDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Name of the port in the log. */
  readonly name: string;
}

/** A TCP connection that was accepted. */
export interface WatchedSocket {
  readonly socket: Socket;
  /** Monotonic ms. */
  readonly acceptedAtMs: number;
  /** Aborts when the socket is closed. */
  readonly closed: AbortSignal;
  /** Aborts when the socket is closed or the connection is authenticated. */
  readonly waitingEnded: AbortSignal;
}

interface Entry extends WatchedSocket {
  readonly address: string;
  readonly silent: boolean;
  readonly endWaiting: (why: string) => void;
  readonly endGrace: () => void;
}

/** Other layers know only the address and port of the peer. */
export interface PeerName {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** A flood writes at most one line in this time. */
const LOG_EVERY_MS = 10_000;

/** Limits the connections of one port: counts them by address, ends those that do not authenticate in time, and makes room for new ones. */
export class ConnectionLimiter {
  readonly #limits: ConnectionLimits;
  readonly #deps: ConnectionLimiterDeps;
  readonly #open = new Map<string, Entry>();
  readonly #waiting = new Map<string, Entry>();
  readonly #perAddress = new Map<string, number>();
  #droppedSinceLog = 0;
  #loggedAtMs = -LOG_EVERY_MS;

  constructor(limits: ConnectionLimits, deps: ConnectionLimiterDeps) {
    this.#limits = limits;
    this.#deps = deps;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Accepts a new connection. At a limit, another one is ended for it. Undefined when it was refused and destroyed. */
  accept(socket: Socket): WatchedSocket | undefined {
    socket.on('error', noop); // the close event is enough
    const address = addressGroup(socket.remoteAddress ?? '');
    const newcomer = {
      address,
      connections: this.#open.size,
      connectionsOfAddress: this.#perAddress.get(address) ?? 0,
    };
    const verdict = admit(newcomer, this.#waiting.values(), this.#limits);
    if (!verdict.accept || verdict.drop !== undefined) this.#note(address);
    if (!verdict.accept) {
      socket.destroy();
      return undefined;
    }
    if (verdict.drop !== undefined) {
      this.#waiting.delete(peerKey(verdict.drop.socket));
      verdict.drop.socket.destroy();
    }
    return this.#watch(socket, address);
  }

  find(peer: PeerName): WatchedSocket | undefined {
    return this.#open.get(peerKey(peer));
  }

  /** The connection has sent a request. The time limit no longer applies, but it can still be ended for a new connection. */
  requestReceived(peer: PeerName): void {
    this.#open.get(peerKey(peer))?.endGrace();
  }

  /** The connection is authenticated, so it is never ended for a new connection. */
  authenticated(peer: PeerName): void {
    this.#open.get(peerKey(peer))?.endWaiting('authenticated');
  }

  destroyWaiting(): void {
    for (const { socket } of this.#waiting.values()) socket.destroy();
  }

  destroyAll(): void {
    for (const { socket } of this.#open.values()) socket.destroy();
  }

  #watch(socket: Socket, address: string): WatchedSocket {
    const key = peerKey(socket);
    const [closed, waiting] = [new AbortController(), new AbortController()];
    const endGrace = callAfter(this.#deps.clock, this.#limits.graceMs, () => socket.destroy());
    const endWaiting = (why: string): void => {
      if (this.#waiting.get(key) === entry) this.#waiting.delete(key);
      endGrace();
      waiting.abort(why);
    };
    const acceptedAtMs = this.#deps.clock.monotonicMs();
    const entry: Entry = {
      ...{ socket, address, acceptedAtMs, closed: closed.signal, waitingEnded: waiting.signal, endWaiting, endGrace },
      get silent() {
        return socket.bytesRead === 0;
      },
    };
    this.#open.set(key, entry);
    this.#waiting.set(key, entry);
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
    socket.once('close', () => {
      if (this.#open.get(key) === entry) this.#open.delete(key);
      this.#forget(address);
      endWaiting('closed');
      closed.abort('closed');
    });
    return entry;
  }

  #forget(address: string): void {
    const left = (this.#perAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(address, left);
    else this.#perAddress.delete(address);
  }

  #note(address: string): void {
    this.#droppedSinceLog += 1;
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - this.#loggedAtMs < LOG_EVERY_MS) return;
    const { log, name } = this.#deps;
    log.warn(
      { port: name, address, dropped: this.#droppedSinceLog, open: this.#open.size, waiting: this.#waiting.size },
      'connections.dropped',
    );
    this.#droppedSinceLog = 0;
    this.#loggedAtMs = nowMs;
  }
}

function peerKey({ remoteAddress, remotePort }: PeerName): string {
  return `${remoteAddress ?? ''} ${String(remotePort)}`;
}

function noop(): void {
  // see above
}
