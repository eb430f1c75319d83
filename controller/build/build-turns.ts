export interface BuildTurn {
  /** Most builds of this user at a time; at least 1. */
  readonly max: number;
  readonly signal: AbortSignal;
  /** Called once, when this build has to wait. */
  readonly waiting: () => void;
}

interface Line {
  running: number;
  readonly waiters: (() => void)[];
}

/** Limits the builds of one user at a time. Further builds wait in the order of their arrival. */
export class BuildTurns {
  readonly #lines = new Map<string, Line>();

  /** Call the returned function when the build has ended. @throws the signal's reason when it aborts while the build waits */
  async enter(userId: string, turn: BuildTurn): Promise<() => void> {
    turn.signal.throwIfAborted();
    const line = this.#lines.get(userId) ?? { running: 0, waiters: [] };
    this.#lines.set(userId, line);
    if (line.running >= turn.max) await wait(line, turn);
    else line.running += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave(userId, line);
    };
  }

  #leave(userId: string, line: Line): void {
    const next = line.waiters.shift();
    if (next !== undefined) {
      next(); // it takes the place of the build that has ended
      return;
    }
    line.running -= 1;
    if (line.running === 0) this.#lines.delete(userId);
  }
}

function wait(line: Line, { signal, waiting }: BuildTurn): Promise<void> {
  waiting();
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      line.waiters.splice(line.waiters.indexOf(go), 1);
      reject(signal.reason as Error);
    };
    const go = (): void => {
      signal.removeEventListener('abort', giveUp);
      resolve();
    };
    line.waiters.push(go);
    signal.addEventListener('abort', giveUp, { once: true });
  });
}
