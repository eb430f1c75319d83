import type { KeyObject } from 'node:crypto';
import type { z } from 'zod';
import { bindExternalAccount, signRequest, type ExternalAccount } from './jws.ts';
import { AcmeError } from './problem.ts';
import { Transport, type AcmeAnswer, type TransportOptions } from './transport.ts';
import * as wire from './wire.ts';

export interface AcmeClientOptions extends TransportOptions {
  readonly directoryUrl: string;
  /** The private key of the account, ECDSA P-256. */
  readonly accountKey: KeyObject;
  /** Undefined until `openAccount` has found it. */
  readonly accountUrl?: string | undefined;
}

/** An order with the URL that names it. */
export interface AcmeOrder extends wire.OrderBody {
  readonly url: string;
  /** The CA asks for the next look after this time. */
  readonly retryAfterMs: number | undefined;
}

export interface NewAcmeOrder {
  readonly names: readonly string[];
  readonly profile?: string | undefined;
  /** The ARI id of the certificate that this one replaces (RFC 9773, 5). */
  readonly replaces?: string | undefined;
}

/** Each refused nonce brings a new one (RFC 8555, 6.5), so a retry costs one round trip. */
const NONCE_TRIES = 100;
const NONCES_KEPT = 20;
const DIRECTORY_KEPT_MS = 60 * 60_000;
const ORDER_PAGES_MAX = 20;
const ORDERS_READ_MAX = 50;
const PEM_CHAIN = /^(?:-----BEGIN CERTIFICATE-----\r?\n[A-Za-z0-9+/=\r\n]+-----END CERTIFICATE-----\s*){1,10}$/;

/**
 * The ACME protocol (RFC 8555), with renewal information (RFC 9773). Each method is one request, and no method waits: the caller has the
 * states and the times. All errors are `AcmeError`.
 */
export class AcmeClient {
  readonly #options: AcmeClientOptions;
  readonly #transport: Transport;
  readonly #nonces: string[] = [];
  #directory: { readonly body: wire.Directory; readonly readAtMs: number } | undefined;
  #accountUrl: string | undefined;

  constructor(options: AcmeClientOptions) {
    this.#options = options;
    this.#transport = new Transport(options);
    this.#accountUrl = options.accountUrl;
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  /** RFC 8555, 7.1.1. Kept for an hour. */
  async directory(): Promise<wire.Directory> {
    const now = this.#options.clock.monotonicMs();
    if (this.#directory === undefined || now - this.#directory.readAtMs > DIRECTORY_KEPT_MS) {
      const answer = await this.#transport.send({ method: 'GET', url: this.#options.directoryUrl });
      this.#directory = { body: parse(wire.directory, answer), readAtMs: now };
    }
    return this.#directory.body;
  }

  /** How far the clock of the CA is ahead of ours. Undefined: the CA does not say it. */
  async clockDifferenceMs(): Promise<number | undefined> {
    const { dateMs } = await this.#transport.send({ method: 'GET', url: this.#options.directoryUrl });
    return dateMs === undefined ? undefined : dateMs - this.#options.clock.nowMs();
  }

  /**
   * Makes the account, or finds the one that the key has already (RFC 8555, 7.3 and 7.3.1). An account that exists gets these contacts (7.3.2).
   * @returns its URL
   */
  async openAccount(account: {
    readonly contacts: readonly string[];
    readonly externalAccount?: ExternalAccount | undefined;
  }): Promise<string> {
    const { newAccount: url } = await this.directory();
    const { externalAccount: external } = account;
    const { accountKey } = this.#options;
    const binding = external === undefined ? undefined : bindExternalAccount(accountKey, external, url);
    const contact = account.contacts.map((address) => `mailto:${address}`);
    const payload = {
      termsOfServiceAgreed: true,
      contact,
      ...(binding === undefined ? {} : { externalAccountBinding: binding }),
    };
    this.#accountUrl = undefined;
    const answer = await this.#post(url, payload);
    if (parse(wire.account, answer).status !== 'valid') throw badAnswer('the account is not valid any more');
    this.#accountUrl = requireUrl(answer.location, 'the account');
    if (answer.status === 200) await this.#post(this.#accountUrl, { contact });
    return this.#accountUrl;
  }

  /** RFC 8555, 7.4. */
  async newOrder({ names, profile, replaces }: NewAcmeOrder): Promise<AcmeOrder> {
    const { newOrder: url } = await this.directory();
    const answer = await this.#post(url, {
      identifiers: names.map((value) => ({ type: 'dns', value })),
      ...(profile === undefined ? {} : { profile }),
      ...(replaces === undefined ? {} : { replaces }),
    });
    return toOrder(requireUrl(answer.location, 'the order'), answer);
  }

  async order(url: string): Promise<AcmeOrder> {
    return toOrder(url, await this.#postAsGet(url));
  }

  /**
   * An order of this account for exactly these names that can still be used. It finds an order whose URL was lost with the answer
   * (RFC 8555, 7.1.2.1). CAs without such a list usually answer `newOrder` with the order that they have.
   */
  async findOpenOrder(names: readonly string[]): Promise<AcmeOrder | undefined> {
    const wanted = [...names].sort().join(' ');
    const listUrl = parse(wire.account, await this.#postAsGet(this.#requireAccount())).orders;
    let read = 0;
    let pageUrl = listUrl;
    for (let page = 0; pageUrl !== undefined && page < ORDER_PAGES_MAX; page += 1) {
      const answer = await this.#postAsGet(pageUrl);
      for (const url of parse(wire.orderList, answer).orders.slice(0, ORDERS_READ_MAX - read)) {
        read += 1;
        const order = await this.order(url);
        const has = order.identifiers.map(({ value }) => value).sort();
        if (['pending', 'ready'].includes(order.status) && has.join(' ') === wanted) return order;
      }
      pageUrl = answer.next === undefined ? undefined : requireUrl(answer.next, 'the list of orders');
    }
    return undefined;
  }

  /** RFC 8555, 7.5. */
  async authorization(url: string): Promise<wire.Authorization> {
    return parse(wire.authorization, await this.#postAsGet(url));
  }

  /** The answer to a challenge is in place: the CA may look at it (RFC 8555, 7.5.1). */
  async answerChallenge(url: string): Promise<void> {
    await this.#post(url, {});
  }

  /** RFC 8555, 7.4. @param csr DER */
  async finalize(order: Pick<AcmeOrder, 'url' | 'finalize'>, csr: Uint8Array): Promise<AcmeOrder> {
    const answer = await this.#post(order.finalize, { csr: Buffer.from(csr).toString('base64url') });
    return toOrder(order.url, answer);
  }

  /** RFC 8555, 7.4.2. @returns PEM: the certificate, then its chain */
  async certificate(url: string): Promise<string> {
    const { text } = await this.#postAsGet(url);
    if (!PEM_CHAIN.test(text)) throw badAnswer('the certificate is not a chain in PEM');
    return text;
  }

  /** RFC 8555, 7.6, with one of the reasons that a subscriber may give (RFC 5280, 5.3.1). @param certificate DER */
  async revoke(certificate: Uint8Array, reason: 0 | 1 | 4 | 5): Promise<void> {
    const { revokeCert } = await this.directory();
    await this.#post(revokeCert, { certificate: Buffer.from(certificate).toString('base64url'), reason });
  }

  /** RFC 9773, 4.1. Undefined: the CA does not offer it. @param ariId see `ariIdOf` */
  async renewalInfo(ariId: string): Promise<RenewalInfo | undefined> {
    const { renewalInfo: base } = await this.directory();
    if (base === undefined) return undefined;
    const answer = await this.#transport.send({ method: 'GET', url: `${base.replace(/\/$/, '')}/${ariId}` });
    const { suggestedWindow, explanationURL } = parse(wire.renewalInfo, answer);
    if (suggestedWindow.end <= suggestedWindow.start) throw badAnswer('the renewal window has no length');
    return {
      startMs: suggestedWindow.start,
      endMs: suggestedWindow.end,
      explanationUrl: explanationURL,
      retryAfterMs: answer.retryAfterMs,
    };
  }

  async #postAsGet(url: string): Promise<AcmeAnswer> {
    return await this.#post(url, undefined);
  }

  /** A signed request, with a nonce (RFC 8555, 6.2 to 6.5). */
  async #post(url: string, payload: object | undefined): Promise<AcmeAnswer> {
    const signer = { key: this.#options.accountKey, accountUrl: this.#accountUrl };
    for (let left = NONCE_TRIES; ; left -= 1) {
      const nonce = this.#nonces.pop() ?? (await this.#newNonce());
      const body = JSON.stringify(signRequest(signer, { url, nonce, payload }));
      try {
        const answer = await this.#transport.send({ method: 'POST', url, body });
        this.#keepNonce(answer.nonce);
        return answer;
      } catch (error) {
        if (!(error instanceof AcmeError)) throw error;
        this.#keepNonce(error.nonce);
        if (error.problem.type !== 'badNonce' || left <= 1) throw error;
      }
    }
  }

  /** RFC 8555, 7.2. */
  async #newNonce(): Promise<string> {
    const { newNonce: url } = await this.directory();
    const { nonce } = await this.#transport.send({ method: 'HEAD', url });
    if (nonce === undefined) throw badAnswer('there is no nonce in the answer');
    return nonce;
  }

  #keepNonce(nonce: string | undefined): void {
    if (nonce !== undefined && this.#nonces.length < NONCES_KEPT) this.#nonces.push(nonce);
  }

  #requireAccount(): string {
    if (this.#accountUrl === undefined) throw badAnswer('the account was not opened');
    return this.#accountUrl;
  }
}

/** When the CA wants a certificate to be renewed. */
export interface RenewalInfo {
  readonly startMs: number;
  readonly endMs: number;
  readonly explanationUrl: string | undefined;
  readonly retryAfterMs: number | undefined;
}

function toOrder(url: string, answer: AcmeAnswer): AcmeOrder {
  return { ...parse(wire.order, answer), url, retryAfterMs: answer.retryAfterMs };
}

function parse<T>(schema: z.ZodType<T>, { text, status }: AcmeAnswer): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw badAnswer('the answer is not what RFC 8555 says', { status, cause });
  }
}

function requireUrl(text: string | undefined, what: string): string {
  if (text !== undefined && URL.canParse(text) && new URL(text).protocol === 'https:') return text;
  throw badAnswer(`the URL of ${what} is missing`);
}

function badAnswer(detail: string, { status = 0, cause }: { status?: number; cause?: unknown } = {}): AcmeError {
  return new AcmeError({ type: 'badAnswer', status, detail, subproblems: [] }, { cause });
}
