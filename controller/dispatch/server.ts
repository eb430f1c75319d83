import { Server, type ServerCredentials } from '@grpc/grpc-js';
import type { Clock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import { loadAgentService, MAX_MESSAGE_BYTES } from '../../shared/rpc/service.ts';
import type { AgentCall } from './agent-session.ts';

export interface ServerSettings {
  readonly keepaliveTimeMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Without a session a connection is of no use to anybody, and is ended after this. */
  readonly connectionIdleMs: number;
}

/** One session and a spare for the moment of its replacement. */
const MAX_STREAMS = 4;
const MAX_SESSION_MEMORY_MB = 64;
const CLOSE_TIMEOUT_MS = 2_000;

/** A gRPC server with bounds on what one peer may cost. */
export function createGrpcServer(settings: ServerSettings, onSession: (call: AgentCall) => void): Server {
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
    { ...service, Session: { ...service.Session, responseSerialize: once(service.Session.responseSerialize) } },
    { Session: onSession },
  );
  return server;
}

/** A message that goes to the whole fleet is put into bytes once. */
function once<T extends { fleetRoutes?: unknown }>(serialize: (message: T) => Buffer): (message: T) => Buffer {
  const done = new WeakMap<T, Buffer>();
  return (message) => {
    if (message.fleetRoutes === undefined) return serialize(message);
    const bytes = done.get(message) ?? serialize(message);
    done.set(message, bytes);
    return bytes;
  };
}

/** @returns the port, which matters when 0 was asked. @throws SLIP_DISPATCH_LISTEN */
export function bind(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (cause, port) => {
      if (cause === null) resolve(port);
      else reject(cannotListen(address, cause));
    });
  });
}

function cannotListen(address: string, cause: Error): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_DISPATCH_LISTEN',
    message: `The agent port ${address} cannot be opened.`,
    hint: 'Another controller may be running; see what holds the port with: ss -ltnp',
    cause,
  });
}

/** A node that cannot be reached never closes its end, and grpc-js waits for that even when it is forced: nobody else does. */
export function closeServer(server: Server, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const giveUp = callAfter(clock, CLOSE_TIMEOUT_MS, () => {
      server.forceShutdown();
      resolve();
    });
    server.tryShutdown(() => {
      giveUp();
      resolve();
    });
  });
}
