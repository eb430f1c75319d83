import type { Socket } from 'node:net';

/** Number of refused connections that get the reason at the same time. */
const TOLD_AT_ONCE = 4;

/** Limits the connections of each user, because each connection can start a git. */
export class UserConnections {
  readonly #open = new Map<string, number>();

  /**
   * Counts a connection until it closes. `refuse`: the user has too many connections, and this one gets the reason. `drop`: too many
   * refused connections already wait for their reason.
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
