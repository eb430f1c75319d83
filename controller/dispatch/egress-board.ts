import type { EgressTable } from '../../shared/domain/egress.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { encodeControllerMessage } from '../../shared/rpc/controller-codec.ts';
import type { WireControllerMessage } from '../../shared/rpc/service.ts';
import type { Store } from '../store/port.ts';
import type { AgentSession } from './agent-session.ts';

export interface EgressBoardDeps {
  readonly store: Pick<Store, 'egress'>;
  readonly sessions: () => readonly AgentSession[];
  readonly logger: Logger;
}

interface Sent {
  readonly table: EgressTable;
  readonly message: WireControllerMessage;
}

/** The private networks that sandboxes may reach: sent to every agent that knows the message, whole, at Hello and after each change. */
export class EgressBoard {
  readonly #deps: EgressBoardDeps;
  #sent: Sent | undefined;
  #looking = false;
  /** Reads one after the other, so that no older table is sent last. */
  #turn: Promise<void> = Promise.resolve();

  constructor(deps: EgressBoardDeps) {
    this.#deps = deps;
  }

  /** The lists may have changed: every agent is sent them if they have. */
  changed(): Promise<void> {
    return this.#inTurn(() => this.#refresh());
  }

  /** Calls `changed` soon. If an app was destroyed, agents must drop its list before another app gets its name. */
  look(): void {
    if (this.#looking) return;
    this.#looking = true;
    void this.#inTurn(() => {
      this.#looking = false;
      return this.#refresh();
    });
  }

  /** A session has just begun. */
  welcome(session: AgentSession): Promise<void> {
    return this.#inTurn(async () => {
      this.#sent ??= await this.#read();
      send(session, this.#sent.message);
    });
  }

  async #refresh(): Promise<void> {
    const before = this.#sent;
    const now = await this.#read();
    if (before !== undefined && JSON.stringify(before.table) === JSON.stringify(now.table)) return;
    this.#sent = now;
    for (const session of this.#deps.sessions()) send(session, now.message);
  }

  async #read(): Promise<Sent> {
    const table = await this.#deps.store.egress();
    return { table, message: encodeControllerMessage({ kind: 'egress', table }) };
  }

  /** A table that cannot be read leaves the agents with the former one, until the next change or session. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work).catch((error: unknown) => {
      this.#deps.logger.error({ err: error }, 'egress.not_sent');
    });
    return this.#turn;
  }
}

function send(session: AgentSession, message: WireControllerMessage): void {
  if (session.hello?.takesEgress === true) session.sendEncoded(message);
}
