import type { FleetCertificate } from '../../shared/domain/fleet-routes.ts';
import type { CertificateId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import { chooseCertificates, fleetCertificates, nextChangeMs, type NamedApp } from '../certificates/choose.ts';
import type { Certificate } from '../domain/certificates.ts';
import type { CertificateStore } from '../store/certificate-port.ts';

interface TableCertificatesDeps {
  readonly store: Pick<CertificateStore, 'certificates' | 'markServed'>;
  readonly clock: Clock;
  /** Called when a certificate begins or ends, so that another one may serve its names. */
  readonly onDue: () => void;
}

/** A timer waits no longer than this, because clocks are set. */
const LOOK_AGAIN_MS = 60 * 60_000;

/** The certificates of the route table, from the stored certificates and the names of all apps. */
export class TableCertificates {
  readonly #deps: TableCertificatesDeps;
  /** Undefined until the first load and after each change. */
  #stored: readonly Certificate[] | undefined;
  #last: readonly Certificate[] = [];
  #stopTimer: (() => void) | undefined;
  #isClosed = false;
  /** Thumbprint of the account key of the fleet. */
  acmeThumbprint: string | undefined;

  constructor(deps: TableCertificatesDeps) {
    this.#deps = deps;
  }

  /** The stored certificates changed. */
  forget(): void {
    this.#stored = undefined;
  }

  /** Ends the timer, which would keep the process running. */
  close(): void {
    this.#isClosed = true;
    this.#stopTimer?.();
  }

  async load(): Promise<void> {
    if (this.#stored === undefined) this.#last = await this.#deps.store.certificates();
    this.#stored = this.#last;
  }

  select(apps: readonly NamedApp[]): readonly FleetCertificate[] {
    const nowMs = this.#deps.clock.nowMs();
    this.#lookAgain(nextChangeMs(this.#last, nowMs), nowMs);
    return this.#last.length === 0 ? [] : fleetCertificates(chooseCertificates(this.#last, apps, nowMs));
  }

  /** Stores which certificates every node serves for the first time. */
  async markServed(isServed: (id: CertificateId) => boolean): Promise<void> {
    const served = this.#unproven().filter(isServed);
    if (served.length === 0) return;
    await this.#deps.store.markServed(served);
    this.forget();
    await this.load();
  }

  /** The names whose plain requests may be redirected: once, every node served their certificate. */
  secureNames(selected: readonly FleetCertificate[]): ReadonlySet<string> {
    const unproven = new Set(this.#unproven());
    return new Set(selected.flatMap(({ id, names }) => (unproven.has(id) ? [] : names)));
  }

  #unproven(): readonly CertificateId[] {
    return this.#last.flatMap(({ id, servedAtMs }) => (servedAtMs === undefined ? [id] : []));
  }

  #lookAgain(atMs: number | undefined, nowMs: number): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    if (atMs === undefined || this.#isClosed) return;
    this.#stopTimer = callAfter(this.#deps.clock, Math.min(atMs - nowMs, LOOK_AGAIN_MS), this.#deps.onDue);
  }
}
