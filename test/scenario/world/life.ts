/** From the start of a program to its kill -9. */
export class Life {
  #alive = true;

  get alive(): boolean {
    return this.#alive;
  }

  end(): void {
    this.#alive = false;
  }
}

/** Before a call: takes its time, or throws in its place; undefined for methods that are not asynchronous. */
export type Around = (method: string) => Promise<void> | undefined;

const NEVER = new Promise<never>(() => undefined);

/**
 * What a program may use while it lives. Once it is dead no call begins and none comes back, though what one had
 * begun to do stays done: so a kill can come before or after every single effect.
 */
export function mortal<T extends object>(target: T, life: Life, around?: Around): T {
  return new Proxy(target, {
    get: (from, name) => {
      const value: unknown = Reflect.get(from, name, from);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        const effect = (): unknown => Reflect.apply(value, from, args);
        return life.alive ? begin(effect, life, around?.(String(name))) : NEVER;
      };
    },
  });
}

function begin(effect: () => unknown, life: Life, before: Promise<void> | undefined): unknown {
  const result = before === undefined ? effect() : before.then(() => (life.alive ? effect() : NEVER));
  return result instanceof Promise ? whileAlive(result, life) : result;
}

function whileAlive(result: Promise<unknown>, life: Life): Promise<unknown> {
  return new Promise((resolve, reject) => {
    result.then(
      (value) => {
        if (life.alive) resolve(value);
      },
      (error: unknown) => {
        if (life.alive) reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}
