import type { AppId } from '../../shared/domain/ids.ts';
import type { Sensitive } from '../../shared/kit/sensitive.ts';
import type { AcmeAccount, AcmeUse, CertificateOrder } from '../domain/orders.ts';
import type { TlsSettings } from '../domain/tls-settings.ts';

/** Orders whose time has come, and what else decides who goes on. */
export interface DueOrders {
  readonly due: readonly CertificateOrder[];
  /** Orders that a CA works on, or that are being checked. */
  readonly busy: number;
  /** When the next of the others is due. */
  readonly nextMs: number | undefined;
}

/** Part of the store: certificates from an ACME CA. */
export interface OrderStore {
  tlsSettings(): Promise<TlsSettings>;
  setTlsSettings(settings: TlsSettings): Promise<void>;
  /** Undefined: nobody decided it for this app. */
  certsAuto(appId: AppId): Promise<boolean | undefined>;
  setCertsAuto(appId: AppId, enabled: boolean): Promise<void>;
  /** True unless the owner of the app decided otherwise. */
  httpsRedirect(appId: AppId): Promise<boolean>;
  setHttpsRedirect(appId: AppId, enabled: boolean): Promise<void>;
  acmeAccount(directoryUrl: string): Promise<(AcmeAccount & { readonly keyPem: Sensitive }) | undefined>;
  /** An account that exists keeps its key. */
  addAcmeAccount(directoryUrl: string, keyPem: Sensitive): Promise<void>;
  setAcmeAccountUrl(directoryUrl: string, url: string | undefined): Promise<void>;

  /** Every certificate of an ACME CA, by name. Without a domain of this name, there is none. */
  certificateOrders(): Promise<readonly CertificateOrder[]>;
  ordersOfApp(appId: AppId): Promise<readonly CertificateOrder[]>;
  certificateOrder(hostname: string): Promise<CertificateOrder | undefined>;
  /** The certificate of this domain is needed. If it has one, nothing changes. */
  addCertificateOrder(hostname: string): Promise<CertificateOrder>;
  /**
   * Adds an order for each domain that needs one, of this app or of all apps. Wildcards without a DNS provider get none, and apps with
   * `certs:auto disable` get none.
   */
  addMissingOrders(only?: AppId): Promise<number>;
  /** Ends the orders of an app, and its ordered certificates. @returns the number of orders */
  removeOrders(appId: AppId): Promise<number>;
  /** When the clock went back, orders with times of the future are due now. */
  dueOrders(nowMs: number): Promise<DueOrders>;
  /**
   * Writes the next state of an order, what it used, and its private key, in one transaction. A row that holds no key loses it.
   * @returns false when the order is not in the state `from` any more, or its domain is gone. Then nothing is written
   */
  moveOrder(
    from: CertificateOrder,
    move: { readonly order: CertificateOrder; readonly uses: readonly AcmeUse[] },
    keyPem?: Sensitive,
  ): Promise<boolean>;
  /** The private key of a certificate that is not stored yet. */
  orderKey(id: string): Promise<Sensitive | undefined>;
  /** An order that waits or is blocked is due now, unless the CA named the time. @returns false when there is none */
  hurryOrder(hostname: string): Promise<boolean>;
  /** When each of these was used since then, ascending. */
  acmeUses(
    uses: readonly AcmeUse[],
    sinceMs: number,
  ): Promise<readonly (AcmeUse & { readonly atMs: readonly number[] })[]>;
}
