import type { Socket } from 'node:net';

/** Connections above the limit that are told the reason. */
const TOLD_AT_ONCE = 4;

/** So that one user, whose key is good, cannot take all connections and start a git on each. */
export class UserConnections {
  readonly #open = new Map<string, number>();

  /**
   * Counts a connection until it closes. `refuse`: the user has too many connections, and this one is told so. `drop`: too many of
   * these are already being told.
   */
  add(userId: string, socket: Socket, max: number): 'serve' | 'refuse' | 'drop' {
    const open = this.#open.get(userId) ?? 0;
    if (open >= max + TOLD_AT_ONCE) return 'drop';
    this.#open.set(userId, open + 1);
    socket.once('close', () => {
      const left = (this.#open.get(userId) ?? 1) - 1;
      if (left > 0) this.#open.set(userId, left);
      else this.#open.delete(userId);
    });
    return open < max ? 'serve' : 'refuse';
  }
}
