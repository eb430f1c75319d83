import { toSlipwayError, type SlipwayError } from '../../../shared/kit/errors.ts';
import type { Logger } from '../../../shared/kit/log.ts';
import { probeBinds } from './port-probe.ts';
import { tlsMark } from './render.ts';
import type { Runtime } from './runtime.ts';
import type { ProxySettings } from './settings.ts';
import type { Watcher } from './watcher.ts';

export interface TlsPortsDeps {
  readonly logger: Logger;
  readonly runtime: Pick<Runtime, 'info'>;
  readonly watcher: Pick<Watcher, 'masterPid'>;
}

/** Finds out whether the proxy can listen for HTTPS. If another program has the port, the proxy still answers plain HTTP. */
export class TlsPorts {
  readonly #settings: ProxySettings;
  readonly #deps: TlsPortsDeps;
  #failure: SlipwayError | undefined;

  constructor(settings: ProxySettings, deps: TlsPortsDeps) {
    this.#settings = settings;
    this.#deps = deps;
  }

  /** Why it does not listen for HTTPS. */
  get failure(): SlipwayError | undefined {
    return this.#failure;
  }

  /** @param isUsed whether the table of now has these ports: the answer while the process restarts */
  async areUsable(isUsed: boolean): Promise<boolean> {
    if (this.#settings.tlsBinds.length === 0) return false;
    const mark = await this.#deps.runtime.info().then(
      ({ layoutHash }) => layoutHash,
      () => undefined,
    );
    if (mark?.endsWith(tlsMark(this.#settings)) === true) return this.#note(undefined);
    if (mark === undefined && (await this.#deps.watcher.masterPid()) !== undefined) return isUsed;
    try {
      await probeBinds(this.#settings.tlsBinds, this.#settings.ipv6);
      return this.#note(undefined);
    } catch (error) {
      return this.#note(toSlipwayError(error));
    }
  }

  #note(failure: SlipwayError | undefined): boolean {
    if (failure !== undefined && failure.code !== this.#failure?.code)
      this.#deps.logger.error({ err: failure }, 'proxy.https_off');
    this.#failure = failure;
    return failure === undefined;
  }
}
