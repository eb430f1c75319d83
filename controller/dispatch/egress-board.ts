import { describeCauses } from '../../shared/kit/errors.ts';
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

/** The private networks that sandboxes may reach: sent to every agent that knows the message, whole, at Hello and after each change. */
export class EgressBoard {
  readonly #deps: EgressBoardDeps;
  #message: WireControllerMessage | undefined;
  /** Reads one after the other, so that no older table is sent last. */
  #turn: Promise<void> = Promise.resolve();

  constructor(deps: EgressBoardDeps) {
    this.#deps = deps;
  }

  changed(): Promise<void> {
    return this.#inTurn(async () => {
      this.#message = undefined;
      for (const session of this.#deps.sessions()) await this.#send(session);
    });
  }

  /** A session has just begun. */
  welcome(session: AgentSession): Promise<void> {
    return this.#inTurn(() => this.#send(session));
  }

  async #send(session: AgentSession): Promise<void> {
    if (session.hello?.takesEgress !== true) return;
    this.#message ??= encodeControllerMessage({ kind: 'egress', table: await this.#deps.store.egress() });
    session.sendEncoded(this.#message);
  }

  /** A table that cannot be read leaves the agents with the former one, until the next change or session. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work).catch((error: unknown) => {
      this.#deps.logger.error({ error: describeCauses(error) }, 'egress.not-sent');
    });
    return this.#turn;
  }
}
