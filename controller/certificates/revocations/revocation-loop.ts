import { X509Certificate } from 'node:crypto';
import type { Clock } from '../../../shared/kit/clock.ts';
import type { Failpoint } from '../../../shared/kit/failpoint.ts';
import type { Logger } from '../../../shared/kit/log.ts';
import { AcmeError } from '../../acme/problem.ts';
import type { AcmeProblem } from '../../domain/acme-problem.ts';
import { REVOCATION_REASONS, type IssuedCertificate } from '../../domain/issued.ts';
import type { CertificateOrder } from '../../domain/orders.ts';
import { noteEvent } from '../../store/note-event.ts';
import type { Store } from '../../store/port.ts';
import { DueLoop } from '../due-loop.ts';
import type { AcmeAccounts } from '../orders/accounts.ts';
import type { IssuedCertificates } from '../orders/steps.ts';
import { afterRequest, begin, lookAgain, nextStep, orderAgain } from './plan.ts';

export interface RevocationLoopDeps {
  readonly store: Pick<
    Store,
    'dueRevocations' | 'moveIssued' | 'issuedChain' | 'certificateOrder' | 'moveOrder' | 'appById' | 'addEvent'
  >;
  readonly accounts: Pick<AcmeAccounts, 'open'>;
  readonly certificates: Pick<IssuedCertificates, 'isServed'>;
  /** An order is due. */
  readonly onOrder: () => void;
  readonly clock: Clock;
  readonly failpoint: Failpoint;
  readonly log: Logger;
}

/**
 * Brings every revocation one step further when it is due: first a successor with a new key, then the request to the CA. All its state is in
 * the store, and each step checks it first, so a restart continues at the same step. A second request for a certificate that is revoked changes nothing.
 */
export class RevocationLoop {
  readonly #deps: RevocationLoopDeps;
  readonly #loop: DueLoop;

  constructor(deps: RevocationLoopDeps) {
    this.#deps = deps;
    this.#loop = new DueLoop({
      clock: deps.clock,
      look: (signal) => this.#look(signal),
      onFailure: (err) => deps.log.error({ err }, 'certificate_revocation.look_failed'),
    });
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#loop.run(signal);
  }

  /** A revocation is new, or a successor is served: look at once. */
  changed(): void {
    this.#loop.changed();
  }

  /** @returns ms until the next look */
  async #look(signal: AbortSignal): Promise<number> {
    const { store, clock } = this.#deps;
    const { due, nextMs } = await store.dueRevocations(clock.nowMs());
    for (const issued of due) {
      if (signal.aborted) break;
      await this.#advance(issued, signal);
    }
    return due.length > 0 ? 0 : Math.max(0, (nextMs ?? Infinity) - clock.nowMs());
  }

  async #advance(issued: IssuedCertificate, signal: AbortSignal): Promise<void> {
    const { store, clock, failpoint } = this.#deps;
    const order = await store.certificateOrder(issued.hostname);
    const step = nextStep(issued, { order, isServed: await this.#isServed(order) });
    if (step === 'orderAgain' && order !== undefined) {
      await store.moveOrder(order, { order: orderAgain(order, clock.nowMs()), uses: [] });
      await failpoint('certificateRevocation.orderedAgain');
      this.#deps.onOrder();
    }
    if (step === 'begin') {
      await this.#write(issued, begin(issued, clock.nowMs()));
    } else if (step === 'revoke' || (step === 'orderAgain' && issued.state === 'revoking')) {
      const problem = await this.#request(issued);
      // The stop of the controller ended the request. That is no refusal of the CA.
      if (signal.aborted && problem !== undefined) return;
      await failpoint('certificateRevocation.revokingDone');
      await this.#write(issued, afterRequest(issued, problem, clock.nowMs()));
    } else {
      await store.moveIssued(issued, lookAgain(issued, clock.nowMs()));
    }
  }

  async #isServed(order: CertificateOrder | undefined): Promise<boolean> {
    if (order?.certificate === undefined) return false;
    const { id, appId, hostname, certificate } = order;
    return await this.#deps.certificates.isServed({ id, appId, hostname, fingerprint: certificate.fingerprint });
  }

  /** RFC 8555, 7.6. @returns why the CA refused it */
  async #request({
    fingerprint,
    directoryUrl,
    reason = 'unspecified',
  }: IssuedCertificate): Promise<AcmeProblem | undefined> {
    const { store, accounts } = this.#deps;
    const chain = await store.issuedChain(fingerprint);
    if (chain === undefined) return undefined;
    try {
      const { client } = await accounts.open(directoryUrl);
      await client.revoke(new X509Certificate(chain).raw, REVOCATION_REASONS[reason]);
      return undefined;
    } catch (error) {
      if (error instanceof AcmeError) return error.problem;
      throw error;
    }
  }

  async #write(from: IssuedCertificate, to: IssuedCertificate): Promise<void> {
    const { store, log, failpoint } = this.#deps;
    if (!(await store.moveIssued(from, to))) return;
    const { hostname, state, reason, problem } = to;
    log.info({ hostname, from: from.state, state, reason, code: problem?.code }, 'certificate_revocation.moved');
    await failpoint(`certificateRevocation.${state}`);
    if (state === 'revoked') await this.#tell(to);
  }

  async #tell({ hostname, notAfterMs, reason = 'unspecified', cause = '' }: IssuedCertificate): Promise<void> {
    const { store, log } = this.#deps;
    const order = await store.certificateOrder(hostname);
    const app = order === undefined ? undefined : await store.appById(order.appId);
    const end = new Date(notAfterMs).toISOString().slice(0, 10);
    const message = `The certificate of ${hostname} that ends on ${end} was revoked (${reason}). ${cause}`.trim();
    const own = app === undefined ? { next: 'slipway status' } : { app: app.name, next: `slipway why ${hostname}` };
    noteEvent({ store, log }, { kind: 'certificate.revoked', actor: 'controller', message, ...own });
  }
}
