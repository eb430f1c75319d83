import { once } from 'node:events';
import { createServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { Server, type ServerCredentials } from '@grpc/grpc-js';
import type { Clock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import { loadAgentService, MAX_MESSAGE_BYTES } from '../../shared/rpc/service.ts';
import { ConnectionLimiter, type ConnectionLimits, type PeerName } from '../access/connection-limiter.ts';
import type { AgentCall } from './agent-session.ts';
import type { AttachCall } from './attach-streams.ts';

type ConnectionInjector = ReturnType<Server['createConnectionInjector']>;

export interface ServerSettings {
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  /** A connection without a session is closed after this time. */
  readonly connectionIdleMs: number;
}

/** A session and its successor, with a reserve. */
const MAX_STREAMS = 4;
const MAX_SESSION_MEMORY_MB = 64;
const CLOSE_TIMEOUT_MS = 2_000;
/** The kernel's default maximum. The server never closes a connection that did not fit into the queue, so its client believes that it is open. */
const BACKLOG = 4096;

/**
 * A fleet behind NAT shares one address, and after a restart of the controller all its agents connect at the same time. When a connection is
 * refused, its agent tries again. A connection has 10 s for TLS (`server-credentials.ts`) and `graceMs` for its session.
 */
export const AGENT_PORT_LIMITS: ConnectionLimits = Object.freeze({
  maxWaiting: 1_000,
  maxWaitingPerAddress: 100,
  maxConnections: 10_000,
  maxConnectionsPerAddress: 2_000,
  graceMs: 20_000,
});

/** A gRPC server that limits the resources of one peer. */
export function createGrpcServer(
  settings: ServerSettings,
  {
    onSession,
    onAttach,
  }: { readonly onSession: (call: AgentCall) => void; readonly onAttach: (call: AttachCall) => void },
): Server {
  const server = new Server({
    'grpc.keepalive_time_ms': settings.keepaliveTimeMs,
    'grpc.keepalive_timeout_ms': settings.keepaliveTimeoutMs,
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': MAX_STREAMS,
    'grpc.max_connection_idle_ms': settings.connectionIdleMs,
    'grpc-node.max_session_memory': MAX_SESSION_MEMORY_MB,
  });
  const { service } = loadAgentService();
  server.addService(
    {
      ...service,
      Session: { ...service.Session, responseSerialize: serializeOnce(service.Session.responseSerialize) },
    },
    { Session: onSession, Attach: onAttach },
  );
  return server;
}

/** Serializes a message to the whole fleet only once. */
function serializeOnce<T extends { fleetRoutes?: unknown }>(serialize: (message: T) => Buffer): (message: T) => Buffer {
  const done = new WeakMap<T, Buffer>();
  return (message) => {
    if (message.fleetRoutes === undefined) return serialize(message);
    const bytes = done.get(message) ?? serialize(message);
    done.set(message, bytes);
    return bytes;
  };
}

/** The port for agents. It limits TCP connections before TLS and gRPC begin. */
export class AgentPort {
  readonly #tcp: TcpServer;
  readonly #connections: ConnectionLimiter;
  readonly #grpc: Server;
  #injector: ConnectionInjector | undefined;

  constructor(grpc: Server, limits: ConnectionLimits, deps: { readonly clock: Clock; readonly log: Logger }) {
    this.#grpc = grpc;
    this.#connections = new ConnectionLimiter(limits, { ...deps, name: 'agents' });
    this.#tcp = createServer({ noDelay: true }, (socket) => {
      if (this.#connections.accept(socket) !== undefined) this.#injector?.injectConnection(socket);
    });
  }

  /** @returns the port that was opened. @throws SLIP_DISPATCH_LISTEN */
  async listen(address: string, credentials: ServerCredentials): Promise<number> {
    this.#injector = this.#grpc.createConnectionInjector(credentials);
    const at = address.lastIndexOf(':');
    const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1');
    const listening = once(this.#tcp, 'listening');
    this.#tcp.listen({ host, port: Number(address.slice(at + 1)), backlog: BACKLOG });
    await listening.catch((cause: unknown) => {
      throw cannotListen(address, cause);
    });
    return (this.#tcp.address() as AddressInfo).port;
  }

  /** The connection of this call is authenticated by the certificate of a node. */
  authenticated(connection: PeerName): void {
    this.#connections.authenticated(connection);
  }

  /** A node that cannot be reached never closes its end, and grpc-js waits for that even in a forced shutdown. So this method does not wait. */
  close(clock: Clock): Promise<void> {
    this.#tcp.close();
    this.#connections.destroyWaiting();
    return new Promise((resolve) => {
      const giveUp = callAfter(clock, CLOSE_TIMEOUT_MS, () => {
        this.#grpc.forceShutdown();
        this.#connections.destroyAll();
        resolve();
      });
      this.#grpc.tryShutdown(() => {
        giveUp();
        resolve();
      });
    });
  }
}

/** The address and port of the peer of a call. */
export function peerOf(call: AgentCall | AttachCall): PeerName {
  const peer = call.getPeer();
  const at = peer.lastIndexOf(':');
  return { remoteAddress: peer.slice(0, at), remotePort: Number(peer.slice(at + 1)) };
}

function cannotListen(address: string, cause: unknown): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DISPATCH_LISTEN',
    message: `The agent port ${address} cannot be opened.`,
    hint: 'Another controller may be running. See which program uses the port with: ss -ltnp',
    cause,
  });
}
