export interface QueuedBuild {
  /** How many builds of this user may run at a time; at least 1. */
  readonly max: number;
  readonly signal: AbortSignal;
  /** Called once if this build has to wait. */
  readonly onWait: () => void;
}

interface UserQueue {
  running: number;
  readonly waiters: (() => void)[];
}

/** Limits the builds of one user at a time. Further builds wait in the order of their arrival. */
export class BuildQueue {
  readonly #queues = new Map<string, UserQueue>();

  /** Call the returned function when the build has ended. @throws the signal's reason when it aborts while the build waits */
  async acquire(userId: string, build: QueuedBuild): Promise<() => void> {
    build.signal.throwIfAborted();
    const queue = this.#queues.get(userId) ?? { running: 0, waiters: [] };
    this.#queues.set(userId, queue);
    if (queue.running >= build.max) await wait(queue, build);
    else queue.running += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave(userId, queue);
    };
  }

  #leave(userId: string, queue: UserQueue): void {
    const next = queue.waiters.shift();
    if (next !== undefined) {
      next(); // the next build uses the slot of the build that has ended
      return;
    }
    queue.running -= 1;
    if (queue.running === 0) this.#queues.delete(userId);
  }
}

function wait(queue: UserQueue, { signal, onWait }: QueuedBuild): Promise<void> {
  onWait();
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      queue.waiters.splice(queue.waiters.indexOf(go), 1);
      reject(signal.reason as Error);
    };
    const go = (): void => {
      signal.removeEventListener('abort', giveUp);
      resolve();
    };
    queue.waiters.push(go);
    signal.addEventListener('abort', giveUp, { once: true });
  });
}
