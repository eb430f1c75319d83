import type { Failpoint } from '../../../shared/kit/failpoint.ts';

/** One run of a program, from its start to its kill -9. */
export class Life {
  #alive = true;

  get alive(): boolean {
    return this.#alive;
  }

  end(): void {
    this.#alive = false;
  }
}

/** Ends a program at the next failpoint, whatever its name is. */
export const ANY_POINT = '*';

/** The failpoint at which a program of a scenario dies. */
export class KillPoint {
  #at: string | undefined;

  /** @param point undefined: at none */
  set(point: string | undefined): void {
    this.#at = point;
  }

  /** The failpoints of one run. A dead run does not continue. */
  failpoint(life: Life, kill: (point: string) => void): Failpoint {
    return async (name) => {
      if (life.alive && this.#at !== name && this.#at !== ANY_POINT) return;
      if (life.alive) {
        this.#at = undefined;
        kill(name);
      }
      await NEVER;
    };
  }
}

/** Called before a method: it may wait or throw. Undefined for methods that are not asynchronous. */
export type Around = (method: string) => Promise<void> | undefined;

const NEVER = new Promise<never>(() => undefined);

/**
 * The parts that a program uses while it lives. After its death no call starts or returns, but the effects of started calls stay.
 * So a kill can happen before or after every single effect.
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
