import { X509Certificate } from 'node:crypto';
import { backoffDelayMs, type BackoffPolicy } from '../../shared/kit/backoff.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { readNodeTls } from './node-files.ts';

export interface KeeperDeps {
  readonly stateDir: string;
  /** One renewal, from the request to the file. Rejects with the reason of a failure. */
  readonly renewCertificate: () => Promise<void>;
  /** Called when only a third of the validity is left and no renewal has succeeded. */
  readonly onLate: (reason: Reason) => void;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
}

export interface Validity {
  readonly fromMs: number;
  readonly toMs: number;
}

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
const RETRY: BackoffPolicy = { firstMs: 30_000, maxMs: HOUR_MS, factor: 2 };

/** Pure: the time of the first renewal attempt, after a third of the validity. */
export function renewAtMs({ fromMs, toMs }: Validity): number {
  return fromMs + (toMs - fromMs) / 3;
}

/** Pure: the time of the first warning, when a third of the validity is left. */
export function lateAtMs({ fromMs, toMs }: Validity): number {
  return toMs - (toMs - fromMs) / 3;
}

/**
 * Renews the node's certificate in time until the signal aborts. It looks every hour, because the wall clock can be changed. The open session
 * stays. The next session, and every later download, uses the new certificate.
 */
export async function keepCertificateFresh(deps: KeeperDeps, signal: AbortSignal): Promise<void> {
  const keeper = new Keeper(deps);
  while (!signal.aborted) {
    const waitMs = await keeper.renewIfDue();
    await deps.clock.sleep(waitMs, signal).catch(() => undefined);
  }
}

class Keeper {
  readonly #deps: KeeperDeps;
  #failures = 0;
  #reportedLateAtMs = -Infinity;

  constructor(deps: KeeperDeps) {
    this.#deps = deps;
  }

  /** @returns the time until the next call */
  async renewIfDue(): Promise<number> {
    const { clock, random, log } = this.#deps;
    try {
      const dueMs = renewAtMs(await this.#validity()) - clock.nowMs();
      if (dueMs > 0) return Math.min(dueMs, HOUR_MS);
      await this.#deps.renewCertificate();
      this.#failures = 0;
      log.info({ until: new Date((await this.#validity()).toMs).toISOString() }, 'certificate.renewed');
      return HOUR_MS * (0.5 + random() / 2);
    } catch (error) {
      log.warn({ err: error }, 'certificate.not_renewed');
      await this.#reportIfLate(error);
      this.#failures += 1;
      return backoffDelayMs(RETRY, this.#failures - 1, random());
    }
  }

  async #validity(): Promise<Validity> {
    const { validFromDate, validToDate } = new X509Certificate((await readNodeTls(this.#deps.stateDir)).certificate);
    return { fromMs: validFromDate.getTime(), toMs: validToDate.getTime() };
  }

  async #reportIfLate(error: unknown): Promise<void> {
    const nowMs = this.#deps.clock.nowMs();
    const validity = await this.#validity().catch(() => undefined);
    if (validity === undefined || nowMs < lateAtMs(validity) || nowMs - this.#reportedLateAtMs < DAY_MS) return;
    this.#reportedLateAtMs = nowMs;
    const days = Math.max(0, Math.floor((validity.toMs - nowMs) / DAY_MS));
    this.#deps.onLate({
      code: 'SLIP_CERTIFICATE_LATE',
      message: `The certificate of this node ends in ${String(days)} days and cannot be renewed: ${toSlipwayError(error).message}`,
      hint: 'Check that the node reaches the API port of the controller; see its log for details: journalctl -u slipway-agent',
    });
  }
}
