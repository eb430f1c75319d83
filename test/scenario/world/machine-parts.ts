import type { Images } from '../../../agent/images/port.ts';
import { LogBook } from '../../../agent/logs/log-book.ts';
import type { Logs } from '../../../agent/logs/port.ts';
import type { InstanceRecords } from '../../../agent/reconcile/instances.ts';
import type { InstanceRecord } from '../../../agent/reconcile/record.ts';
import type { SessionHandlers } from '../../../agent/session/port.ts';

/** The same object with one method replaced. */
export function watch<T extends object, K extends keyof T>(target: T, name: K, replacement: T[K]): T {
  return new Proxy(target, {
    get: (from, key) => {
      if (key === name) return replacement;
      const value: unknown = Reflect.get(from, key, from);
      return typeof value === 'function' ? (value.bind(from) as unknown) : value;
    },
  });
}

/** Images of a node that already has every layer. */
export const IMAGES: Images = {
  ensure: () => Promise.resolve(),
  mount: () => Promise.resolve('/layers/app'),
  adopt: () => Promise.reject(new Error('nothing is built here')),
  has: () => Promise.resolve(true),
  path: () => '/images/app',
  collectGarbage: () => Promise.resolve(),
};

/** Logs of a node whose apps have written one line. */
export const LOGS: Logs = {
  query: async function* () {
    yield* [];
  },
  lastLines: () => Promise.resolve(['the last line of the app']),
  write: () => Promise.resolve(),
  hasLines: () => Promise.resolve(false),
  removeLines: () => Promise.resolve(),
};

/** Logs of a node that never sends them. */
export const NO_LOGS: Pick<SessionHandlers, 'queryLogs'> = {
  queryLogs: async function* () {
    yield* [];
  },
};

export function newLogBook(dirOf: (id: string) => string): LogBook {
  return new LogBook('/nonexistent/slipway/log-book.json', dirOf);
}

export function recordsIn(files: Map<string, InstanceRecord>): InstanceRecords {
  return {
    load: () => Promise.resolve(new Map(files)),
    save: (id, record) => Promise.resolve(void files.set(id, record)),
    remove: (id) => Promise.resolve(void files.delete(id)),
  };
}

export function factsOf(memoryBytes: number): Awaited<ReturnType<SessionHandlers['hello']>>['facts'] {
  return {
    agentVersion: '0.1.0',
    os: 'debian-12',
    kernel: '6',
    arch: 'x64',
    cpus: 2,
    memoryBytes,
    diskBytes: 1e11,
    diskFreeBytes: 1e10,
    sandboxDriver: 'fake',
    stacks: ['host'],
    proxyVersion: '',
    missing: [],
    builder: true,
    httpAddress: '',
  };
}
