import { writeNodeFacts, type MachineFacts } from '../../shared/domain/node-facts.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';

export interface MachineInventoryDeps {
  readonly read: (signal: AbortSignal) => Promise<MachineFacts>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when the agent stops. */
  readonly signal: AbortSignal;
  /** Wait between the welcome of the controller and the read. */
  readonly delayMs?: number | undefined;
}

/** By then a node that has just started runs its instances again. */
const DELAY_MS = 20_000;

/** The static facts of this machine: read once, some time after the first session has opened. A failure leaves them absent. */
export class MachineInventory {
  readonly #deps: MachineInventoryDeps;
  #reading: Promise<void> | undefined;
  #facts: MachineFacts | undefined;
  /** The current session has sent them. */
  #sent = false;

  constructor(deps: MachineInventoryDeps) {
    this.#deps = deps;
  }

  /** The controller has accepted a session. Never rejects, and reads at most once at a time. */
  welcomed(): Promise<void> {
    if (this.#facts !== undefined) return Promise.resolve();
    this.#reading ??= this.#read();
    return this.#reading;
  }

  /** For the Hello of a new session. */
  forHello(): MachineFacts | undefined {
    this.#sent = this.#facts !== undefined;
    return this.#facts;
  }

  /** For a heartbeat: absent when this session has sent them. */
  forHeartbeat(): string | undefined {
    if (this.#sent || this.#facts === undefined) return undefined;
    this.#sent = true;
    return writeNodeFacts({ machine: this.#facts });
  }

  async #read(): Promise<void> {
    const { read, clock, log, signal, delayMs = DELAY_MS } = this.#deps;
    try {
      await clock.sleep(delayMs, signal);
      this.#facts = await read(signal);
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'machine.facts_not_read');
    } finally {
      this.#reading = undefined;
    }
  }
}
