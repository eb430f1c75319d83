import type { Images } from '../../../agent/images/port.ts';
import type { Logs } from '../../../agent/logs/port.ts';

/** The same object, one method replaced. */
export function watch<T extends object, K extends keyof T>(target: T, name: K, replacement: T[K]): T {
  return new Proxy(target, {
    get: (from, key) => {
      if (key === name) return replacement;
      const value: unknown = Reflect.get(from, key, from);
      return typeof value === 'function' ? (value.bind(from) as unknown) : value;
    },
  });
}

/** A node that has every layer already. */
export const IMAGES: Images = {
  ensure: () => Promise.resolve(),
  mount: () => Promise.resolve('/layers/app'),
  adopt: () => Promise.reject(new Error('nothing is built here')),
  has: () => Promise.resolve(true),
  path: () => '/images/app',
  collectGarbage: () => Promise.resolve(),
};

/** A node whose apps have written one line. */
export const LOGS: Logs = {
  query: async function* () {
    yield* [];
  },
  lastLines: () => Promise.resolve(['the last line of the app']),
  write: () => Promise.resolve(),
  hasLines: () => Promise.resolve(false),
  removeLines: () => Promise.resolve(),
};
