import type { UserId } from '../../shared/domain/ids.ts';
import type { User } from '../domain/users.ts';

interface Look<T> {
  readonly now: Promise<T>;
  /** Begins when `now` has ended. It is for callers that ask while `now` runs, which may miss later changes. */
  next: Promise<T> | undefined;
}

/** One read at a time for each user. Calls during a read share the next one. */
export class SharedLooks<T> {
  readonly #look: (user: User) => Promise<T>;
  readonly #running = new Map<UserId, Look<T>>();

  constructor(look: (user: User) => Promise<T>) {
    this.#look = look;
  }

  read(user: User): Promise<T> {
    const running = this.#running.get(user.id);
    if (running === undefined) return this.#begin(user);
    running.next ??= running.now.then(
      () => this.#begin(user),
      () => this.#begin(user),
    );
    return running.next;
  }

  #begin(user: User): Promise<T> {
    const look: Look<T> = { now: this.#look(user), next: undefined };
    this.#running.set(user.id, look);
    const end = (): void => {
      if (this.#running.get(user.id) === look && look.next === undefined) this.#running.delete(user.id);
    };
    look.now.then(end, end);
    return look.now;
  }
}
