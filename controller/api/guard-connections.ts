import type { Server, Socket } from 'node:net';
import type { DoorLimits, SocketDoor } from '../access/socket-door.ts';

/**
 * The API is for a fleet of thousands that may all ask at once, often from behind one address. Beyond that, strangers must not take the
 * files that sessions and pushes need.
 */
export const API_LIMITS: DoorLimits = Object.freeze({
  maxWaiting: 1_000,
  maxWaitingPerAddress: 100,
  maxConnections: 5_000,
  maxConnectionsPerAddress: 1_000,
  graceMs: 20_000,
});

/** Lets a server see only the connections that the door lets in. */
export function guardConnections(server: Server, door: SocketDoor): void {
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    if (door.take(socket) === undefined) return;
    for (const listener of listeners) Reflect.apply(listener, server, [socket]);
  });
}
