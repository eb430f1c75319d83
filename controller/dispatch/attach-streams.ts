import { status as Status, type ServerDuplexStream } from '@grpc/grpc-js';
import type { Duplex } from 'node:stream';
import type { NodeId } from '../../shared/domain/ids.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { RandomId } from '../../shared/kit/random-id.ts';
import { callAfter } from '../../shared/kit/timer.ts';
import { bytesOf } from '../../shared/rpc/byte-stream.ts';
import type { WireAttachedBytes, WireAttachedBytesOut } from '../../shared/rpc/service.ts';
import type { LiveNodeState } from './node-registry.ts';
import type { AuthenticatedNode } from './authenticated-node.ts';
import type { AttachTarget } from './port.ts';

export type AttachCall = ServerDuplexStream<WireAttachedBytesOut, WireAttachedBytes>;

/** From the order in the session to the call of the agent, and from the call to its first message. */
const OPEN_TIMEOUT_MS = 20_000;

interface Waiting {
  readonly node: NodeId;
  readonly resolve: (stream: Duplex) => void;
}

export interface AttachStreamsDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly randomId: RandomId;
  readonly authenticate: (call: AttachCall) => Promise<AuthenticatedNode | undefined>;
  readonly node: (id: NodeId) => Pick<LiveNodeState, 'name' | 'session'> | undefined;
}

/** The streams of bytes between users and processes in sandboxes. Each id belongs to the node that was asked to open it. */
export class AttachStreams {
  readonly #deps: AttachStreamsDeps;
  readonly #waiting = new Map<string, Waiting>();
  readonly #open = new Map<Duplex, NodeId>();

  constructor(deps: AttachStreamsDeps) {
    this.#deps = deps;
  }

  /** @throws SLIP_ATTACH_NODE_AWAY, SLIP_ATTACH_OLD_AGENT, SLIP_ATTACH_NODE_SILENT */
  async open(nodeId: NodeId, { sandboxId, waits = false }: AttachTarget, signal: AbortSignal): Promise<Duplex> {
    const node = this.#deps.node(nodeId);
    const session = node?.session;
    if (session === undefined) throw nodeAway(node?.name ?? 'The node');
    if (session.hello?.takesAttach !== true) throw oldAgent(session.name);
    const streamId = this.#deps.randomId();
    const opened = Promise.withResolvers<Duplex | undefined>();
    const giveUp = (): void => opened.resolve(undefined);
    const stopTimer = callAfter(this.#deps.clock, OPEN_TIMEOUT_MS, giveUp);
    signal.addEventListener('abort', giveUp, { once: true });
    this.#waiting.set(streamId, { node: session.nodeId, resolve: opened.resolve });
    session.send({ kind: 'openAttach', streamId, sandboxId, waits });
    try {
      const stream = await opened.promise;
      if (stream === undefined) throw silent(session.name);
      return stream;
    } finally {
      stopTimer();
      signal.removeEventListener('abort', giveUp);
      this.#waiting.delete(streamId);
    }
  }

  /** A call of an agent for bytes that it was asked for. @returns false when it does not belong to a node */
  async accept(call: AttachCall): Promise<boolean> {
    const node = await this.#deps.authenticate(call);
    if (node !== undefined) this.#expectStream(call, node);
    return node !== undefined;
  }

  /** The first message names the stream. */
  #expectStream(call: AttachCall, { row }: AuthenticatedNode): void {
    const refuse = (details: string): void => {
      call.emit('error', { code: Status.NOT_FOUND, details });
    };
    const stopTimer = callAfter(this.#deps.clock, OPEN_TIMEOUT_MS, () => refuse('No stream was named in time.'));
    call.on('error', () => undefined);
    call.once('close', stopTimer).once('cancelled', stopTimer);
    call.once('data', ({ streamId }: WireAttachedBytesOut) => {
      stopTimer();
      call.pause();
      const waiting = this.#waiting.get(streamId);
      if (waiting?.node !== row.id) {
        this.#deps.logger.warn({ node: row.name }, 'attach.unknown_stream');
        refuse('This node was not asked for this stream.');
        return;
      }
      this.#waiting.delete(streamId);
      const stream = bytesOf(call);
      this.#open.set(stream, row.id);
      stream.once('close', () => this.#open.delete(stream));
      waiting.resolve(stream);
    });
  }

  /** Ends the streams of a node that may not have them any more, or of all nodes. */
  end(node?: NodeId): void {
    for (const [stream, owner] of this.#open) if (node === undefined || owner === node) stream.destroy();
  }
}

function oldAgent(node: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ATTACH_OLD_AGENT',
    kind: 'conflict',
    message: `The agent of ${node} is too old for ps:exec, ps:forward, ps:copy and run.`,
    hint: `Upgrade it: slipway nodes:upgrade ${node}`,
  });
}

function silent(node: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ATTACH_NODE_SILENT',
    kind: 'transient',
    message: `${node} did not open the connection in time.`,
    hint: `See the state of the node: slipway nodes:info ${node}`,
  });
}

function nodeAway(node: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ATTACH_NODE_AWAY',
    kind: 'transient',
    message: `${node} is not connected, so nothing on it can be reached.`,
    hint: `See why: slipway why ${node}`,
  });
}
