import { SlipwayError } from '../../shared/kit/errors.ts';
import type { EdgeCertificate } from '../certificates/port.ts';
import type { AppRoutes, Proxy, ProxyRoutes, UnservedCertificate } from './port.ts';

/** A proxy in memory, for tests and for an agent without haproxy. Its routes are what was last applied. */
export interface FakeProxy extends Proxy {
  /** Current routes, by app name. */
  routes(): readonly AppRoutes[];
  /** Certificates of the last `apply`. */
  certificates(): readonly EdgeCertificate[];
  /** Which instance a request for this host would reach: its id, or the status of the error page. Round robin. */
  request(host: string): string | 404 | 503;
  /** Sets the open requests of a backend. */
  setInFlight(backendId: string, count: number): void;
  /** The next `apply` fails with this code and changes nothing. */
  failNextApply(code: string): void;
  /** As after a kill: unhealthy until `ensureRunning`. */
  crash(): void;
  /** All operations so far, e.g. `apply shop=web.1@id`. */
  readonly calls: readonly string[];
}

export function createFakeProxy(): FakeProxy {
  return new InMemoryProxy();
}

class InMemoryProxy implements FakeProxy {
  readonly kind = 'fake';
  readonly calls: string[] = [];
  readonly #inFlight = new Map<string, number>();
  #routes: readonly AppRoutes[] = [];
  #certificates: readonly EdgeCertificate[] = [];
  #running = false;
  #turn = 0;
  #failure: string | undefined;

  routes(): readonly AppRoutes[] {
    return this.#routes;
  }

  certificates(): readonly EdgeCertificate[] {
    return this.#certificates;
  }

  request(host: string): string | 404 | 503 {
    const name = host.toLowerCase().replace(/:\d+$/, '');
    const leading = (hostname: string): AppRoutes | undefined =>
      this.#routes.find((each) => each.hostnames.includes(hostname));
    const route = leading(name) ?? leading(name.replace(/^[^.]+/, '*'));
    if (route === undefined) return 404;
    if (route.maintenance !== undefined) return 503;
    this.#turn += 1;
    return route.backends[this.#turn % Math.max(route.backends.length, 1)]?.id ?? 503;
  }

  setInFlight(backendId: string, count: number): void {
    this.#inFlight.set(backendId, count);
  }

  failNextApply(code: string): void {
    this.#failure = code;
  }

  crash(): void {
    this.#running = false;
  }

  async apply({ apps, certificates = [] }: ProxyRoutes): Promise<void> {
    const failure = this.#failure;
    this.#failure = undefined;
    this.calls.push(`apply ${apps.map(describeRoute).sort().join(' ')}`.trimEnd());
    if (failure !== undefined)
      throw new SlipwayError({ code: failure, kind: 'transient', message: 'The proxy refused its routes.' });
    this.#certificates = certificates;
    this.#routes = apps.toSorted((a, b) => (a.app < b.app ? -1 : 1));
    if (!this.#running)
      throw new SlipwayError({
        code: 'SLIP_PROXY_DOWN',
        kind: 'transient',
        message: 'The proxy process is not running.',
      });
  }

  async inFlight(backendId: string): Promise<number> {
    return this.#inFlight.get(backendId) ?? 0;
  }

  async forget(backendId: string): Promise<void> {
    this.calls.push(`forget ${backendId}`);
    if (!this.#routes.some((route) => route.backends.some(({ id }) => id === backendId)))
      this.#inFlight.delete(backendId);
  }

  async unreachablePeers(): Promise<readonly string[]> {
    return [];
  }

  async renewCertificate(): Promise<void> {}

  async healthy(): Promise<boolean> {
    return this.#running;
  }

  async ensureRunning(): Promise<void> {
    if (!this.#running) this.calls.push('start');
    this.#running = true;
  }

  async stop(): Promise<void> {
    this.calls.push('stop');
    this.#running = false;
  }

  async unservedCertificates(): Promise<readonly UnservedCertificate[]> {
    return this.#running
      ? []
      : this.#certificates.map(({ id }) => ({ id, reason: 'the proxy process is not running' }));
  }

  problems(): readonly string[] {
    return [];
  }

  /** It has no log. */
  writeLogLine(): Promise<boolean> {
    return Promise.resolve(false);
  }

  lostLogLines(): Promise<ReadonlyMap<string, number>> {
    return Promise.resolve(new Map());
  }

  logDir(): string {
    return '/nonexistent/proxy-log';
  }
}

function describeRoute(route: AppRoutes): string {
  return `${route.app}=${route.backends.map((each) => `${each.instanceName}@${each.id}`).join(',')}`;
}
