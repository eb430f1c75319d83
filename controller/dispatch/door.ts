import { status as Status } from '@grpc/grpc-js';
import type { Logger } from '../../shared/kit/log.ts';
import { formerCertificate } from '../access/former-certificate.ts';
import type { NodeRow } from '../domain/nodes.ts';
import type { Store } from '../store/port.ts';
import type { AgentCall } from './agent-session.ts';
import { serialOf } from './peer.ts';

export interface DoorDeps {
  readonly store: Pick<Store, 'nodeBySerial' | 'useCertificate' | 'retiredCertificate'>;
  readonly logger: Logger;
}

export interface Visitor {
  readonly row: NodeRow;
  readonly serial: string;
}

const STRANGER = 'No node of this fleet has this certificate.';

/** Who a new stream is of: identity is the certificate's, whatever the messages say. */
export class Door {
  readonly #deps: DoorDeps;
  /** Grows with every revocation: who was looked up before one is looked up again. */
  #revocations = 0;

  constructor(deps: DoorDeps) {
    this.#deps = deps;
  }

  /** Certificates were taken out of force. */
  revoked(): void {
    this.#revocations += 1;
  }

  /** The node behind the stream; undefined when it was refused, which it has been told. */
  async admit(call: AgentCall): Promise<Visitor | undefined> {
    const serial = serialOf(call.getAuthContext().sslPeerCertificate);
    try {
      const row = serial === undefined ? undefined : await this.#find(serial);
      if (serial !== undefined && row !== undefined) return { row, serial };
      await this.#refuse(call, serial ?? '');
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'session.not_opened');
      call.emit('error', { code: Status.UNAVAILABLE, details: 'The controller cannot read its database now.' });
    }
    return undefined;
  }

  async #find(serial: string): Promise<NodeRow | undefined> {
    const { store } = this.#deps;
    for (;;) {
      const before = this.#revocations;
      const row = await store.nodeBySerial(serial);
      if (row === undefined || row.state === 'removed') return undefined;
      if (row.certificateSerial !== serial) await store.useCertificate(serial);
      if (this.#revocations === before) return row;
    }
  }

  async #refuse(call: AgentCall, serial: string): Promise<void> {
    const former = await formerCertificate(this.#deps.store, serial);
    this.#deps.logger.warn({ serial, peer: call.getPeer(), node: former?.node }, 'session.refused');
    call.emit('error', { code: Status.UNAUTHENTICATED, details: former?.words ?? STRANGER });
  }
}
