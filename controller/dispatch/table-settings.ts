import type { FleetRoutes } from '../../shared/domain/fleet-routes.ts';
import { networksOf } from '../../shared/domain/front-proxies.ts';
import { missingLabel, type RequiredLabels } from '../../shared/domain/placement.ts';
import type { EdgeStore } from '../store/edge-port.ts';

interface Settings extends Pick<FleetRoutes, 'fronts'> {
  readonly edgeLabels: RequiredLabels;
}

/** The settings of the proxies that are in the route table. */
export class TableSettings {
  readonly #store: Pick<EdgeStore, 'frontProxies' | 'edgeLabels'>;
  /** Undefined until the first load and after each change. */
  #stored: Settings | undefined;
  #last: Settings = { edgeLabels: {} };

  constructor(store: Pick<EdgeStore, 'frontProxies' | 'edgeLabels'>) {
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
    const { fronts } = this.#last;
    return fronts === undefined ? {} : { fronts };
  }

  /** True for a node that may answer HTTPS and hold keys. */
  isEdge({ labels }: { readonly labels: RequiredLabels }): boolean {
    return missingLabel(labels, this.#last.edgeLabels) === undefined;
  }

  async #read(): Promise<Settings> {
    const edgeLabels = await this.#store.edgeLabels();
    const { trusted, proxyProtocol } = await this.#store.frontProxies();
    if (trusted.length + proxyProtocol.length === 0) return { edgeLabels };
    return { edgeLabels, fronts: { trusted: networksOf(trusted), proxyProtocol: networksOf(proxyProtocol) } };
  }
}
