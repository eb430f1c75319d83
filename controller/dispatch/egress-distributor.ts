import type { EgressTable } from '../../shared/domain/egress.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { SerialQueue } from '../../shared/kit/serial-queue.ts';
import { encodeControllerMessage } from '../../shared/rpc/controller-codec.ts';
import type { WireControllerMessage } from '../../shared/rpc/service.ts';
import type { Store } from '../store/port.ts';
import type { AgentSession } from './agent-session.ts';

export interface EgressDistributorDeps {
  readonly store: Pick<Store, 'egress'>;
  readonly sessions: () => readonly AgentSession[];
  readonly logger: Logger;
}

interface SentTable {
  readonly table: EgressTable;
  readonly message: WireControllerMessage;
}

/** Sends the private networks that sandboxes may reach. Each agent that knows the message gets the whole table after Hello and after each change. */
export class EgressDistributor {
  readonly #deps: EgressDistributorDeps;
  #sent: SentTable | undefined;
  #refreshScheduled = false;
  /** Reads run one after the other, so that an older table is never sent last. */
  readonly #queue = new SerialQueue();

  constructor(deps: EgressDistributorDeps) {
    this.#deps = deps;
  }

  /** Reads the table again and sends it to every agent if it has changed. */
  refresh(): Promise<void> {
    return this.#enqueue(() => this.#refresh());
  }

  /** Refreshes soon. If an app was destroyed, agents must drop its entry before another app gets its name. */
  scheduleRefresh(): void {
    if (this.#refreshScheduled) return;
    this.#refreshScheduled = true;
    void this.#enqueue(() => {
      this.#refreshScheduled = false;
      return this.#refresh();
    });
  }

  sessionStarted(session: AgentSession): Promise<void> {
    return this.#enqueue(async () => {
      this.#sent ??= await this.#read();
      sendEgress(session, this.#sent.message);
    });
  }

  async #refresh(): Promise<void> {
    const before = this.#sent;
    const now = await this.#read();
    if (before !== undefined && JSON.stringify(before.table) === JSON.stringify(now.table)) return;
    this.#sent = now;
    for (const session of this.#deps.sessions()) sendEgress(session, now.message);
  }

  async #read(): Promise<SentTable> {
    const table = await this.#deps.store.egress();
    return { table, message: encodeControllerMessage({ kind: 'egress', table }) };
  }

  /** When the table cannot be read, agents keep the last one until the next change or session. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    return this.#queue.add(work).catch((error: unknown) => {
      this.#deps.logger.error({ err: error }, 'egress.not_sent');
    });
  }
}

function sendEgress(session: AgentSession, message: WireControllerMessage): void {
  if (session.hello?.takesEgress === true) session.sendEncoded(message);
}
