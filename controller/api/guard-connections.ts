import type { Server, Socket } from 'node:net';
import type { ConnectionLimits, ConnectionLimiter } from '../access/connection-limiter.ts';

/**
 * Thousands of nodes may call the API at the same time, often from one address. Above that, unauthenticated connections must not use up the
 * open files that sessions and pushes need.
 */
export const API_LIMITS: ConnectionLimits = Object.freeze({
  maxWaiting: 1_000,
  maxWaitingPerAddress: 100,
  maxConnections: 5_000,
  maxConnectionsPerAddress: 1_000,
  graceMs: 20_000,
});

/** Passes only accepted connections to the server. */
export function guardConnections(server: Server, connections: ConnectionLimiter): void {
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    if (connections.accept(socket) === undefined) return;
    for (const listener of listeners) Reflect.apply(listener, server, [socket]);
  });
}
