import type { TLSSocket } from 'node:tls';
import { serialOf } from '../dispatch/certificate-serial.ts';
import type { NodeId } from '../../shared/domain/ids.ts';

/** Open HTTPS connections of nodes by the serial of their certificate, so that a revocation can close them. */
export class NodeConnections {
  readonly #bySerial = new Map<string, Set<TLSSocket>>();

  /** Records a connection whose peer has a certificate of the fleet. */
  add(socket: TLSSocket): void {
    const serial = socket.authorized ? serialOf(socket.getPeerCertificate()) : undefined;
    if (serial === undefined) return;
    const sockets = this.#bySerial.get(serial) ?? new Set();
    this.#bySerial.set(serial, sockets.add(socket));
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0 && this.#bySerial.get(serial) === sockets) this.#bySerial.delete(serial);
    });
  }

  cut(serial: string): void {
    for (const socket of this.#bySerial.get(serial) ?? []) socket.destroy();
  }
}

/** Ends every session of a node, and sends it this message. */
export type EndSessions = (node: NodeId, message: string) => void;
