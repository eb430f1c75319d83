import type { FleetRoutes } from '../../shared/domain/fleet-routes.ts';
import { networksOf } from '../../shared/domain/front-proxies.ts';
import type { EdgeStore } from '../store/edge-port.ts';

/** The settings of the proxies that are in the route table. */
export class TableSettings {
  readonly #store: Pick<EdgeStore, 'frontProxies'>;
  /** Undefined until the first load and after each change. */
  #stored: Pick<FleetRoutes, 'fronts'> | undefined;
  #last: Pick<FleetRoutes, 'fronts'> = {};

  constructor(store: Pick<EdgeStore, 'frontProxies'>) {
    this.#store = store;
  }

  /** The stored settings changed. */
  forget(): void {
    this.#stored = undefined;
  }

  async load(): Promise<void> {
    this.#stored ??= await this.#read();
    this.#last = this.#stored;
  }

  fields(): Pick<FleetRoutes, 'fronts'> {
    return this.#last;
  }

  async #read(): Promise<Pick<FleetRoutes, 'fronts'>> {
    const { trusted, proxyProtocol } = await this.#store.frontProxies();
    if (trusted.length + proxyProtocol.length === 0) return {};
    return { fronts: { trusted: networksOf(trusted), proxyProtocol: networksOf(proxyProtocol) } };
  }
}
