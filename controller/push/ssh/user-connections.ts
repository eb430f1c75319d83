import type { Socket } from 'node:net';

/** So that one user, whose key is good, cannot take all connections and start a git on each. */
export class UserConnections {
  readonly #max: number;
  readonly #open = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Counts a connection until it closes; false when the user has too many. */
  add(userId: string, socket: Socket): boolean {
    const open = this.#open.get(userId) ?? 0;
    if (open >= this.#max) return false;
    this.#open.set(userId, open + 1);
    socket.once('close', () => {
      const left = (this.#open.get(userId) ?? 1) - 1;
      if (left > 0) this.#open.set(userId, left);
      else this.#open.delete(userId);
    });
    return true;
  }
}
