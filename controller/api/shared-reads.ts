import type { UserId } from '../../shared/domain/ids.ts';
import type { User } from '../domain/users.ts';

interface Read<T> {
  readonly now: Promise<T>;
  /** Starts after `now`, for callers that arrive during `now`: `now` may miss changes made before their call. */
  next: Promise<T> | undefined;
}

/** Runs one read at a time for each user. Calls that arrive during a read share the next one. */
export class SharedReads<T> {
  readonly #readNow: (user: User) => Promise<T>;
  readonly #running = new Map<UserId, Read<T>>();

  constructor(readNow: (user: User) => Promise<T>) {
    this.#readNow = readNow;
  }

  read(user: User): Promise<T> {
    const running = this.#running.get(user.id);
    if (running === undefined) return this.#start(user);
    running.next ??= running.now.then(
      () => this.#start(user),
      () => this.#start(user),
    );
    return running.next;
  }

  #start(user: User): Promise<T> {
    const read: Read<T> = { now: this.#readNow(user), next: undefined };
    this.#running.set(user.id, read);
    const end = (): void => {
      if (this.#running.get(user.id) === read && read.next === undefined) this.#running.delete(user.id);
    };
    read.now.then(end, end);
    return read.now;
  }
}
