import { status as Status } from '@grpc/grpc-js';
import type { Logger } from '../../shared/kit/log.ts';
import { formerCertificate } from '../access/former-certificate.ts';
import { may, type Action } from '../access/policy.ts';
import type { NodeRow } from '../domain/nodes.ts';
import type { Store } from '../store/port.ts';
import type { AgentCall } from './agent-session.ts';
import type { AttachCall } from './attach-streams.ts';
import type { AuthenticatedNode } from './authenticated-node.ts';
import { serialOf } from './certificate-serial.ts';

export interface SessionAuthenticatorDeps {
  readonly store: Pick<Store, 'nodeBySerial' | 'useCertificate' | 'retiredCertificate'>;
  readonly logger: Logger;
}

/** What an agent does when it opens a session, in the words of the access policy. */
export const SESSION_ACTION: Action = 'node.session.open';

const UNKNOWN_CERTIFICATE = 'No node of this fleet has this certificate.';

/** Finds the node of a new stream by its client certificate. What the messages claim does not count. */
export class SessionAuthenticator {
  readonly #deps: SessionAuthenticatorDeps;
  /** Grows with every revocation. A lookup that began before a revocation is repeated. */
  #revocations = 0;

  constructor(deps: SessionAuthenticatorDeps) {
    this.#deps = deps;
  }

  certificatesRevoked(): void {
    this.#revocations += 1;
  }

  /** @returns undefined when the stream was refused; the agent has then received the reason */
  async authenticate(call: AgentCall | AttachCall): Promise<AuthenticatedNode | undefined> {
    const serial = serialOf(call.getAuthContext().sslPeerCertificate);
    try {
      const row = serial === undefined ? undefined : await this.#findNode(serial);
      const isAllowed = row !== undefined && may({ kind: 'node', nodeId: row.id }, SESSION_ACTION, { kind: 'fleet' });
      if (serial !== undefined && isAllowed) return { row, serial };
      await this.#refuse(call, serial ?? '');
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'session.not_opened');
      call.emit('error', { code: Status.UNAVAILABLE, details: 'The controller cannot read its database.' });
    }
    return undefined;
  }

  async #findNode(serial: string): Promise<NodeRow | undefined> {
    const { store } = this.#deps;
    for (;;) {
      const before = this.#revocations;
      const row = await store.nodeBySerial(serial);
      if (row === undefined || row.state === 'removed') return undefined;
      if (row.certificateSerial !== serial) await store.useCertificate(serial);
      if (this.#revocations === before) return row;
    }
  }

  async #refuse(call: AgentCall | AttachCall, serial: string): Promise<void> {
    const former = await formerCertificate(this.#deps.store, serial);
    this.#deps.logger.warn({ serial, peer: call.getPeer(), node: former?.node }, 'session.refused');
    call.emit('error', { code: Status.UNAUTHENTICATED, details: former?.message ?? UNKNOWN_CERTIFICATE });
  }
}
