import type { Duplex } from 'node:stream';
import { encodeFailure } from '../../shared/attach/frames.ts';
import { SlipwayError, toSlipwayError } from '../../shared/kit/errors.ts';
import { joinStreams } from '../../shared/kit/join-streams.ts';
import type { Logger } from '../../shared/kit/log.ts';
import { bytesOf } from '../../shared/rpc/byte-stream.ts';
import type { OpenAttach } from '../../shared/rpc/messages.ts';
import { createChannels, type OpenChannel } from './channel.ts';
import { readNodeTls } from './node-files.ts';

/** Most streams of this node at a time. The controller allows fewer. */
const STREAMS_MAX = 200;

export interface AttachmentsDeps {
  /** The controller's agent port, `host:port`. */
  readonly address: string;
  readonly stateDir: string;
  /** The stream to a new process in a running sandbox of an app. */
  readonly attach: (request: Pick<OpenAttach, 'sandboxId' | 'waits'>, gone: AbortSignal) => Promise<Duplex>;
  readonly log: Logger;
}

/** Connects processes in the sandboxes of this node with users. The agent opens each connection; nothing listens for them. */
export class Attachments {
  readonly #deps: AttachmentsDeps;
  readonly #open = new Set<Duplex>();
  /** Made for the first stream, because it reads the definition of the protocol. */
  #channels: OpenChannel | undefined;

  constructor(deps: AttachmentsDeps) {
    this.#deps = deps;
  }

  /** Never throws. A failure goes to the user. */
  open(request: Omit<OpenAttach, 'kind'>): void {
    this.#serve(request).catch((error: unknown) => {
      this.#deps.log.warn({ err: error }, 'attach.not_opened');
    });
  }

  /** The processes get SIGHUP. */
  close(): void {
    for (const stream of this.#open) stream.destroy();
  }

  /** A connection of its own: a full stream must not delay the heartbeats of the session. */
  async #serve({ streamId, ...request }: Omit<OpenAttach, 'kind'>): Promise<void> {
    const { address, stateDir } = this.#deps;
    this.#channels ??= createChannels();
    const keepalive = { keepaliveTimeMs: 20_000, keepaliveTimeoutMs: 10_000 };
    const channel = this.#channels(await readNodeTls(stateDir), { address, ...keepalive });
    const call = channel.attach();
    const outward = bytesOf(call);
    this.#open.add(outward);
    try {
      call.write({ streamId });
      await this.#connect(outward, request);
    } finally {
      this.#open.delete(outward);
      channel.close();
    }
  }

  async #connect(outward: Duplex, request: Pick<OpenAttach, 'sandboxId' | 'waits'>): Promise<void> {
    const { sandboxId } = request;
    const gone = new AbortController();
    const closed = new Promise<void>((resolve) => outward.once('close', resolve));
    void closed.then(() => gone.abort());
    try {
      if (this.#open.size > STREAMS_MAX) throw tooMany();
      const inward = await this.#deps.attach(request, gone.signal);
      this.#deps.log.info({ sandbox: sandboxId }, 'attach.opened');
      await joinStreams(outward, inward);
    } catch (error) {
      const failure = toSlipwayError(error);
      this.#deps.log.warn({ sandbox: sandboxId, code: failure.code, err: error }, 'attach.failed');
      outward.resume(); // its end is seen only by a reader
      outward.end(encodeFailure(failure));
      await closed;
    }
  }
}

function tooMany(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ATTACH_LIMIT',
    kind: 'conflict',
    httpStatus: 429,
    message: `This node already serves ${String(STREAMS_MAX)} open sessions of ps:exec, ps:forward and run.`,
    hint: 'Close one of them and try again.',
  });
}
