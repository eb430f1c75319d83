import type { Dispatcher } from 'undici';
import type { Clock } from '../../../shared/kit/clock.ts';
import { KeyedQueue } from '../../../shared/kit/keyed-queue.ts';
import { Sensitive } from '../../../shared/kit/sensitive.ts';
import { AcmeClient } from '../../acme/client.ts';
import { keyFromPem, keyToPem, newPrivateKey } from '../../acme/csr.ts';
import { accountThumbprint } from '../../acme/jws.ts';
import { AcmeError } from '../../acme/problem.ts';
import type { Store } from '../../store/port.ts';

export interface AcmeAccountsDeps {
  readonly store: Pick<Store, 'tlsSettings' | 'acmeAccount' | 'addAcmeAccount' | 'setAcmeAccountUrl'>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly userAgent: string;
  readonly dispatcher?: Dispatcher | undefined;
}

/** The account of this fleet at a CA, ready for requests. */
export interface OpenAccount {
  readonly client: AcmeClient;
  readonly url: string;
  readonly thumbprint: string;
}

const TIMEOUT_MS = 30_000;

/** The accounts of this fleet, one for each CA. An account is made at its first use. */
export class AcmeAccounts {
  readonly #deps: AcmeAccountsDeps;
  readonly #open = new Map<string, OpenAccount>();
  readonly #queue = new KeyedQueue();

  constructor(deps: AcmeAccountsDeps) {
    this.#deps = deps;
  }

  /**
   * The thumbprint of the account key at this CA. Every node answers HTTP-01 with it. The key is made here, without the CA: nodes have the
   * thumbprint before the first order.
   */
  async thumbprint(directoryUrl: string): Promise<string> {
    return accountThumbprint(keyFromPem((await this.#key(directoryUrl)).reveal()));
  }

  /** @throws AcmeError */
  async open(directoryUrl: string): Promise<OpenAccount> {
    return await this.#queue.enqueue(directoryUrl, async () => {
      const known = this.#open.get(directoryUrl);
      if (known !== undefined) return known;
      const opened = await this.#openAccount(directoryUrl);
      this.#open.set(directoryUrl, opened);
      return opened;
    });
  }

  /** Where the terms of this CA are. Undefined: it has none. @throws AcmeError */
  async termsUrl(directoryUrl: string): Promise<string | undefined> {
    const client = await this.#client(directoryUrl, undefined);
    try {
      return (await client.directory()).meta?.termsOfService;
    } finally {
      await client.close();
    }
  }

  /** The CA does not know the account any more, or the settings changed: the next use opens it again. */
  async forget(directoryUrl: string): Promise<void> {
    // In the queue, because an account that is being opened with the former settings must not stay.
    await this.#queue.enqueue(directoryUrl, async () => {
      await this.#open.get(directoryUrl)?.client.close();
      this.#open.delete(directoryUrl);
      await this.#deps.store.setAcmeAccountUrl(directoryUrl, undefined);
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ client }) => client.close()));
    this.#open.clear();
  }

  async #openAccount(directoryUrl: string): Promise<OpenAccount> {
    const { store } = this.#deps;
    const thumbprint = await this.thumbprint(directoryUrl);
    const known = (await store.acmeAccount(directoryUrl))?.url;
    const client = await this.#client(directoryUrl, known);
    if (known !== undefined) return { client, url: known, thumbprint };
    try {
      const url = await client.openAccount(await this.#registration(directoryUrl));
      await store.setAcmeAccountUrl(directoryUrl, url);
      return { client, url, thumbprint };
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  async #client(directoryUrl: string, accountUrl: string | undefined): Promise<AcmeClient> {
    const { store, clock, signal, userAgent, dispatcher } = this.#deps;
    const settings = await store.tlsSettings();
    // The CA file belongs to the CA of the settings. An open order may be at a former CA.
    const trustedCaPem = settings.directoryUrl === directoryUrl ? settings.trustedCaPem : undefined;
    const accountKey = keyFromPem((await this.#key(directoryUrl)).reveal());
    return new AcmeClient({
      ...{ directoryUrl, accountKey, accountUrl, timeoutMs: TIMEOUT_MS },
      ...{ clock, signal, userAgent, trustedCaPem, dispatcher },
    });
  }

  async #registration(directoryUrl: string): Promise<Parameters<AcmeClient['openAccount']>[0]> {
    const settings = await this.#deps.store.tlsSettings();
    if (!settings.termsAgreed || settings.directoryUrl !== directoryUrl) throw termsNotAgreed();
    const { contacts, externalAccount: external } = settings;
    if (external === undefined) return { contacts };
    return { contacts, externalAccount: { keyId: external.keyId, hmacKey: external.hmacKey.reveal() } };
  }

  /** The key is stored before the CA sees it. */
  async #key(directoryUrl: string): Promise<Sensitive> {
    const { store } = this.#deps;
    const known = await store.acmeAccount(directoryUrl);
    if (known !== undefined) return known.keyPem;
    await store.addAcmeAccount(directoryUrl, new Sensitive(keyToPem(newPrivateKey())));
    const stored = await store.acmeAccount(directoryUrl);
    if (stored === undefined) throw new Error('the key of an ACME account was not stored');
    return stored.keyPem;
  }
}

function termsNotAgreed(): AcmeError {
  const detail = 'nobody agreed to its terms (slipway tls:set --agree-terms)';
  return new AcmeError({ type: 'userActionRequired', status: 0, detail, subproblems: [] });
}
