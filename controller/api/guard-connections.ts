import type { Server, Socket } from 'node:net';
import type { DoorLimits, SocketDoor } from '../access/socket-door.ts';

/**
 * Thousands of nodes may call the API at the same time, often from one address. Above that, unauthenticated connections must not use up the
 * open files that sessions and pushes need.
 */
export const API_LIMITS: DoorLimits = Object.freeze({
  maxWaiting: 1_000,
  maxWaitingPerAddress: 100,
  maxConnections: 5_000,
  maxConnectionsPerAddress: 1_000,
  graceMs: 20_000,
});

/** Passes to the server only the connections that the door accepts. */
export function guardConnections(server: Server, door: SocketDoor): void {
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    if (door.take(socket) === undefined) return;
    for (const listener of listeners) Reflect.apply(listener, server, [socket]);
  });
}
