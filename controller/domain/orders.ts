import type { AppId, CertificateId } from '../../shared/domain/ids.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import type { OrderState } from '../../shared/domain/states.ts';

/** The certificate of one name from an ACME CA, and how far its order is. */
export interface CertificateOrder {
  /** Of the certificate. It stays the same over renewals. */
  readonly id: CertificateId;
  readonly appId: AppId;
  readonly hostname: string;
  readonly state: OrderState;
  /** Since when it has this state. */
  readonly sinceMs: number;
  /** When the next step is due. */
  readonly dueAtMs: number;
  /** Of `waiting`: the state that goes on afterwards. */
  readonly resume: OrderState | undefined;
  /** In a row. They decide how long the next wait is. */
  readonly failures: number;
  /** The CA that got the order. */
  readonly directoryUrl: string | undefined;
  /** Undefined: the CA has no order, or its answer was lost. */
  readonly orderUrl: string | undefined;
  /** The ARI id of the certificate that the order replaces. */
  readonly replaces: string | undefined;
  /** Why it waits or is blocked. */
  readonly problem: Reason | undefined;
  /** The certificate that is stored now. */
  readonly certificate: OrderedCertificate | undefined;
}

export interface OrderedCertificate {
  /** SHA-256 of its DER form, lower-case hex. */
  readonly fingerprint: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly ariId: string | undefined;
  readonly renewAtMs: number;
  /** The window that the CA suggested, and that `renewAtMs` was drawn from. */
  readonly window: { readonly startMs: number; readonly endMs: number } | undefined;
}

/** What a CA limits. The key is the account, the registered domain, the set of names, or the name. */
export type UseKind = 'orders' | 'domain' | 'names' | 'failures';

export interface AcmeUse {
  readonly kind: UseKind;
  readonly key: string;
}

/** The account of this fleet at a CA. */
export interface AcmeAccount {
  readonly directoryUrl: string;
  /** Undefined until the CA has answered. */
  readonly url: string | undefined;
}

/** True while the row has the private key of a certificate that is not stored yet. */
export function holdsKey({ state, resume }: Pick<CertificateOrder, 'state' | 'resume'>): boolean {
  const at = state === 'waiting' ? resume : state;
  return at === 'finalizing' || at === 'issued';
}

/** The states in which an order has one of the few places: it is being checked, or a CA works on it. */
export const BUSY_STATES: readonly OrderState[] = [
  ...(['checking', 'ordered', 'presenting', 'propagating', 'answering', 'validating', 'finalizing', 'issued'] as const),
];

/** The states in which an order by DNS-01 needs its TXT record. */
export const RECORD_STATES: readonly OrderState[] = ['presenting', 'propagating', 'answering', 'validating'];

/** The code of a wait whose end the CA decides. */
export const RATE_LIMITED = 'SLIP_CERT_RATE_LIMITED';

/** The longest budget of a CA looks back for so long. */
export const USES_KEPT_MS = 7 * 24 * 60 * 60_000;
