import { toReason } from '../../../shared/domain/instance.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import type { Failpoint } from '../../../shared/kit/failpoint.ts';
import type { Logger } from '../../../shared/kit/log.ts';
import { Sensitive } from '../../../shared/kit/sensitive.ts';
import { keyToPem, newPrivateKey } from '../../acme/csr.ts';
import { holdsKey, type CertificateOrder } from '../../domain/orders.ts';
import type { Store } from '../../store/port.ts';
import { DueLoop } from '../due-loop.ts';
import { afterStep, chooseOrders, moveWithoutStep, type OrderMove, type StepResult } from './plan.ts';
import { takeStep, type StepDeps } from './steps.ts';

export interface OrderLoopDeps extends StepDeps {
  readonly store: StepDeps['store'] & Pick<Store, 'dueOrders' | 'moveOrder'>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly clock: Clock;
  readonly failpoint: Failpoint;
  readonly log: Logger;
  /** After each written move. */
  readonly onMove?: ((from: CertificateOrder, to: CertificateOrder) => void) | undefined;
}

/** The pause after a move that could not be written. */
const RETRY_MS = 15_000;

/** Brings every order one step further when it is due. All its state is in the store. */
export class OrderLoop {
  readonly #deps: OrderLoopDeps;
  /** Orders whose step is being taken. */
  readonly #running = new Map<string, Promise<void>>();
  /** Orders whose next state could not be written, with the time of their next step. */
  readonly #resting = new Map<string, number>();
  readonly #loop: DueLoop;

  constructor(deps: OrderLoopDeps) {
    this.#deps = deps;
    this.#loop = new DueLoop({
      clock: deps.clock,
      look: (signal) => this.#look(signal),
      onFailure: (err) => deps.log.error({ err }, 'certificate_order.look_failed'),
    });
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#loop.run(signal);
    await Promise.all(this.#running.values());
  }

  /** An order is new, or somebody asked for it: look at once. */
  changed(): void {
    this.#loop.changed();
  }

  /** @returns ms until the next look */
  async #look(signal: AbortSignal): Promise<number> {
    const { store, clock } = this.#deps;
    const nowMs = clock.nowMs();
    const { due, busy, nextMs } = await store.dueOrders(nowMs);
    const monotonicMs = clock.monotonicMs();
    const free = due.filter(({ id }) => !this.#running.has(id) && (this.#resting.get(id) ?? 0) <= monotonicMs);
    for (const order of chooseOrders(free, busy)) this.#start(order, signal);
    const rests = [...this.#resting.values()].map((untilMs) => untilMs - monotonicMs).filter((ms) => ms > 0);
    return Math.max(0, Math.min((nextMs ?? Infinity) - clock.nowMs(), ...rests));
  }

  #start(order: CertificateOrder, signal: AbortSignal): void {
    const { clock, log } = this.#deps;
    const work = this.#advance(order, signal)
      .then(() => this.#resting.delete(order.id))
      .catch((error: unknown) => {
        if (signal.aborted) return;
        log.error({ hostname: order.hostname, state: order.state, err: error }, 'certificate_order.not_written');
        this.#resting.set(order.id, clock.monotonicMs() + RETRY_MS);
      })
      .then(() => {
        this.#running.delete(order.id);
        this.changed();
      });
    this.#running.set(order.id, work);
  }

  async #advance(order: CertificateOrder, signal: AbortSignal): Promise<void> {
    const { clock, random, failpoint } = this.#deps;
    const free = moveWithoutStep(order, { nowMs: clock.nowMs(), random: 0 });
    if (free !== undefined) {
      await this.#write(order, { order: free, uses: [] });
      return;
    }
    const result = await this.#step(order);
    // The stop of the controller ended the requests. That is no failure of the name or of the CA.
    if (signal.aborted && ['problem', 'refused', 'failed', 'unexpected', 'propagation'].includes(result.kind)) return;
    await failpoint(`certificateOrder.${order.state}Done`);
    await this.#write(order, afterStep(order, result, { nowMs: clock.nowMs(), random: random() }));
  }

  /** An unexpected error of a step has the same back-off as other failures, so the order does not keep its place. */
  async #step(order: CertificateOrder): Promise<StepResult> {
    try {
      return await takeStep(order, this.#deps);
    } catch (error) {
      const { hostname, state } = order;
      this.#deps.log.error({ hostname, state, err: error }, 'certificate_order.step_failed');
      return { kind: 'unexpected', reason: toReason(error) };
    }
  }

  /** The private key is written together with the state that needs it, before the CA sees the request. */
  async #write(from: CertificateOrder, move: OrderMove): Promise<void> {
    const { store, failpoint, log, onMove } = this.#deps;
    const { order } = move;
    const isNew = holdsKey(order) && !holdsKey(from);
    const key = isNew ? new Sensitive(keyToPem(newPrivateKey())) : undefined;
    if (!(await store.moveOrder(from, move, key))) return;
    if (order.state === from.state) return;
    const { hostname, state, problem, dueAtMs } = order;
    log.info({ hostname, from: from.state, state, code: problem?.code, dueAtMs }, 'certificate_order.moved');
    await failpoint(`certificateOrder.${state}`);
    onMove?.(from, order);
  }
}
