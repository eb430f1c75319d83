import type { AppId } from '../../../shared/domain/ids.ts';
import type { Reason } from '../../../shared/domain/instance.ts';
import type { Logger } from '../../../shared/kit/log.ts';
import { AcmeError } from '../../acme/problem.ts';
import type { Fleet } from '../../dispatch/port.ts';
import { needsDns } from '../../domain/dns-providers.ts';
import type { CertificateOrder } from '../../domain/orders.ts';
import type { TlsSettings } from '../../domain/tls-settings.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { Store } from '../../store/port.ts';
import type { RecordCleaner } from '../dns/record-cleaner.ts';
import type { RevocationLoop } from '../revocations/revocation-loop.ts';
import type { AcmeAccounts } from './accounts.ts';
import type { OrderLoop } from './order-loop.ts';
import { describeOrderEvent } from './order-events.ts';
import { describeProblem } from './problems.ts';
import { NO_RELEASE, type Preflight } from './steps.ts';

interface AutomaticCertificatesDeps {
  readonly store: Pick<
    Store,
    | ('tlsSettings' | 'setTlsSettings' | 'addMissingOrders' | 'removeOrders' | 'removeUnordered' | 'hurryOrder')
    | ('appById' | 'addEvent' | 'hurryRevocations')
  >;
  readonly fleet: Pick<Fleet, 'setAcmeThumbprint' | 'certificatesChanged'>;
  readonly accounts: Pick<AcmeAccounts, 'thumbprint' | 'open' | 'forget' | 'close' | 'termsUrl'>;
  readonly loop: Pick<OrderLoop, 'run' | 'changed'>;
  readonly cleaner: Pick<RecordCleaner, 'run' | 'changed'>;
  readonly revocations: Pick<RevocationLoop, 'run' | 'changed'>;
  readonly preflight: Preflight;
  /** Whether Cloudflare is before a name in a way that hurts. */
  readonly lookAtFront: (hostname: string) => Promise<Reason | undefined>;
  readonly log: Logger;
}

/** Certificates that the controller orders by itself for the domains of apps. */
export class AutomaticCertificates {
  readonly #deps: AutomaticCertificatesDeps;

  constructor(deps: AutomaticCertificatesDeps) {
    this.#deps = deps;
  }

  /** Call it before agents connect: their first route table then has the thumbprint. */
  async start(): Promise<void> {
    await this.#deps.store.removeUnordered();
    await this.#setThumbprint();
    // The controller may have been killed after it added a domain, and before it added its order.
    await this.orderMissing();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { loop, cleaner, revocations } = this.#deps;
    await Promise.all([loop.run(signal), cleaner.run(signal), revocations.run(signal)]);
    await this.#deps.accounts.close();
  }

  /** Orders what is missing, for one app or for all. Without an agreement to the terms, nothing. */
  async orderMissing(only?: AppId): Promise<void> {
    const { store, loop } = this.#deps;
    const { termsAgreed } = await store.tlsSettings();
    if (termsAgreed && (await store.addMissingOrders(only)) > 0) loop.changed();
  }

  /** A certificate must be revoked, for example because a node that held its key was revoked. */
  revocationsChanged(): void {
    this.#deps.revocations.changed();
  }

  /** Ends the orders and the ordered certificates of an app. */
  async end(appId: AppId): Promise<void> {
    const { store, fleet } = this.#deps;
    if ((await store.removeOrders(appId)) > 0) await fleet.certificatesChanged();
    this.revocationsChanged();
  }

  /** Checks a domain now, as the CA will. An order that waits goes on. */
  async check(hostname: string): Promise<Reason | undefined> {
    const { store, loop } = this.#deps;
    const reason = await this.#preflight(hostname);
    if (await store.hurryOrder(hostname)) loop.changed();
    return reason;
  }

  /** What a front proxy does to the requests for a name. It is no reason to order no certificate. */
  async warning(hostname: string): Promise<Reason | undefined> {
    return await this.#deps.lookAtFront(hostname);
  }

  /** Stores other settings, and tries them. @returns why the CA cannot be used */
  async applySettings(settings: TlsSettings): Promise<Reason | undefined> {
    const { store, accounts } = this.#deps;
    await store.setTlsSettings(settings);
    await accounts.forget(settings.directoryUrl);
    await this.#setThumbprint();
    if (!settings.termsAgreed) return undefined;
    const problem = await this.#asReason('', async () => {
      await accounts.open(settings.directoryUrl);
      return undefined;
    });
    await this.orderMissing();
    return problem;
  }

  /** Undefined when the CA has no terms, or cannot be reached. */
  async termsUrl(): Promise<string | undefined> {
    const { store, accounts } = this.#deps;
    try {
      return await accounts.termsUrl((await store.tlsSettings()).directoryUrl);
    } catch (error) {
      if (error instanceof AcmeError) return undefined;
      throw error;
    }
  }

  /** Tells the owner of the app of an order that ends, stops or goes on. */
  tell(from: CertificateOrder, to: CertificateOrder): void {
    const { store, cleaner, log } = this.#deps;
    if (needsDns(to.hostname)) cleaner.changed();
    if (to.state === 'serving') this.#hurryRevocations(to.hostname);
    void store
      .appById(to.appId)
      .then((app) => {
        const event = app === undefined ? undefined : describeOrderEvent(app.name, from, to);
        if (event !== undefined) noteEvent({ store, log }, event);
      })
      .catch((error: unknown) => log.error({ hostname: to.hostname, err: error }, 'certificate_order.event_lost'));
  }

  /** The former certificate can be revoked now. */
  #hurryRevocations(hostname: string): void {
    const { store, revocations, log } = this.#deps;
    void store
      .hurryRevocations(hostname)
      .then(() => revocations.changed())
      .catch((error: unknown) => log.error({ hostname, err: error }, 'certificate_revocation.hurry_failed'));
  }

  #preflight(hostname: string): Promise<Reason | undefined> {
    return this.#asReason(hostname, async () => {
      const { directoryUrl } = await this.#deps.store.tlsSettings();
      return await this.#deps.preflight(hostname, await this.#deps.accounts.open(directoryUrl));
    });
  }

  async #asReason(hostname: string, work: () => Promise<Reason | undefined>): Promise<Reason | undefined> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof AcmeError) return describeProblem(hostname, error.problem);
      throw error;
    }
  }

  /** Without an agreement, nodes answer no challenges, so an app may answer its own. */
  async #setThumbprint(): Promise<void> {
    const { store, accounts, fleet } = this.#deps;
    const { termsAgreed, directoryUrl } = await store.tlsSettings();
    await fleet.setAcmeThumbprint(termsAgreed ? await accounts.thumbprint(directoryUrl) : undefined);
  }
}

/** A name of an app without a release is in no route table. Undefined: it has one. */
export async function findNoRelease(
  store: Pick<Store, 'domain' | 'appById' | 'currentRelease'>,
  hostname: string,
): Promise<Reason | undefined> {
  const domain = await store.domain(hostname);
  const app = domain === undefined ? undefined : await store.appById(domain.appId);
  if (app === undefined || (await store.currentRelease(app.id)) !== undefined) return undefined;
  return {
    code: NO_RELEASE,
    message: `${app.name} was never deployed, so no node answers for ${hostname}. The order goes on by itself after the first deploy.`,
    hint: 'Deploy it, for example with: git push slipway main',
  };
}
