/** `move`: short work that may run while a long work of the same key only waits. `end`: the last work of a key. */
export type TurnKind = 'work' | 'move' | 'end';

/** Work that waits for its turn. `begin` starts it; it calls `done` at its end. */
interface Waiting {
  readonly kind: TurnKind;
  readonly begin: (done: () => void) => void;
}

/** Runs work of one key in sequence. Work of different keys runs in parallel. */
export class KeyedQueue {
  /** Keys with running work, and the work that waits behind it. */
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #mayWork: (key: string) => void;

  /** @param mayWork called before each work of kind `work`. If it throws, the work fails with that error. */
  constructor(mayWork: (key: string) => void = () => undefined) {
    this.#mayWork = mayWork;
  }

  /** True while work of this key runs or waits. */
  busy(key: string): boolean {
    return this.#waiting.has(key);
  }

  async enqueue<T>(key: string, work: () => Promise<T>, kind: TurnKind = 'work'): Promise<T> {
    const done = await this.#turn(key, kind);
    try {
      if (kind === 'work') this.#mayWork(key);
      return await work();
    } finally {
      done();
    }
  }

  /** The holder may let queued work of this kind run first. Resolves when that work has ended. */
  async letPass(key: string, kind: TurnKind): Promise<void> {
    for (;;) {
      const waiting = this.#waiting.get(key) ?? [];
      const at = waiting.findIndex((each) => each.kind === kind);
      const [next] = at < 0 ? [] : waiting.splice(at, 1);
      if (next === undefined) return;
      await new Promise<void>((resolve) => {
        next.begin(resolve);
      });
    }
  }

  #turn(key: string, kind: TurnKind): Promise<() => void> {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) return new Promise((resolve) => waiting.push({ kind, begin: (done) => resolve(done) }));
    this.#waiting.set(key, []);
    return Promise.resolve(() => this.#next(key));
  }

  #next(key: string): void {
    const next = this.#waiting.get(key)?.shift();
    if (next === undefined) this.#waiting.delete(key);
    else next.begin(() => this.#next(key));
  }
}
