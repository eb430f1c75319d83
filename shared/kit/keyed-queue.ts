/** `move`: short work that the holder of a long turn may let go ahead. `end`: the last work of a key. */
export type TurnKind = 'work' | 'move' | 'end';

/** Told that its turn has come; calls back when it is done. */
interface Waiting {
  readonly kind: TurnKind;
  readonly begin: (done: () => void) => void;
}

/** Runs work one after the other per key; different keys side by side. */
export class KeyedQueue {
  /** Of each key whose turn somebody has: who waits. */
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #mayWork: (key: string) => void;

  /** @param mayWork called when the turn of a work of kind `work` comes; what it throws is the end of that work */
  constructor(mayWork: (key: string) => void = () => undefined) {
    this.#mayWork = mayWork;
  }

  /** True while work of this key runs or waits. */
  busy(key: string): boolean {
    return this.#waiting.has(key);
  }

  async run<T>(key: string, work: () => Promise<T>, kind: TurnKind = 'work'): Promise<T> {
    const done = await this.#turn(key, kind);
    try {
      if (kind === 'work') this.#mayWork(key);
      return await work();
    } finally {
      done();
    }
  }

  /** For who has the turn and only waits: work of this kind that waits behind it goes ahead. Resolves when that is done. */
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
