import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Clock } from '../kit/clock.ts';
import { SlipwayError, toSlipwayError } from '../kit/errors.ts';
import {
  badFrame,
  decodeFailure,
  encodeCredit,
  encodeFrame,
  encodeResize,
  encodeStart,
  FRAME,
  FRAME_BYTES_MAX,
  FrameReader,
  PING_MS,
  SILENCE_MS,
  WINDOW_BYTES,
  type Frame,
  type StartRequest,
  type TerminalSize,
} from './frames.ts';

/** Where the output goes. A slow one slows the process: it sends no more than the window before a promise resolves. */
export interface Sinks {
  readonly output: (bytes: Uint8Array) => Promise<void>;
  readonly errors: (bytes: Uint8Array) => Promise<void>;
  /** There will be no more output of a connection to a port, although input may follow. */
  readonly outputEnd?: () => void;
  /** The controller tells the user something, for example that the instance ends soon. */
  readonly notice?: (text: string) => void;
}

const PIECE_BYTES = FRAME_BYTES_MAX / 2;

/** The client's end of a stream to a process in a sandbox. */
export class AttachedProcess {
  /** The exit code. Rejects with the failure, or when the stream ends without an exit code. */
  readonly exited: Promise<number>;
  /** Resolves when the command runs or the port has answered. Rejects with {@link exited}. */
  readonly started: Promise<void>;
  readonly #stream: Duplex;
  readonly #sinks: Sinks;
  readonly #clock: Clock;
  readonly #reader = new FrameReader();
  readonly #exit = Promise.withResolvers<number>();
  readonly #start = Promise.withResolvers<undefined>();
  readonly #over = new AbortController();
  /** Bytes of input that the process can take now. */
  #credit = WINDOW_BYTES;
  #credited = Promise.withResolvers<undefined>();
  /** The output that is being written, one piece after the other. */
  #writing: Promise<void> = Promise.resolve();
  #unwritten = 0;
  #written = 0;
  #heardAtMs: number;

  constructor(stream: Duplex, sinks: Sinks, clock: Clock) {
    this.#stream = stream;
    this.#sinks = sinks;
    this.#clock = clock;
    this.#heardAtMs = clock.monotonicMs();
    this.exited = this.#exit.promise;
    this.started = this.#start.promise.then(() => undefined);
    for (const promise of [this.exited, this.started]) promise.catch(() => undefined); // a caller may need only one of them
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    stream.on('error', () => this.#end(lost()));
    stream.on('close', () => this.#end(lost()));
    stream.on('end', () => this.#end(lost()));
  }

  start(request: StartRequest): void {
    this.#stream.write(encodeStart(request));
    void this.#keepAlive();
  }

  /** Resolves when the bytes are on their way, which may wait for the process to read. */
  async input(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#over.signal.aborted;) {
      await this.#untilCredit();
      const piece = bytes.subarray(at, at + Math.min(PIECE_BYTES, this.#credit));
      at += piece.length;
      this.#credit -= piece.length;
      await this.#send(encodeFrame(FRAME.input, piece));
    }
  }

  async #untilCredit(): Promise<void> {
    while (this.#credit === 0 && !this.#over.signal.aborted) await this.#credited.promise;
  }

  async inputEnd(): Promise<void> {
    await this.#send(encodeFrame(FRAME.inputEnd));
  }

  resize(size: TerminalSize): void {
    this.#post(encodeResize(size));
  }

  /** @param name without `SIG` */
  signal(name: string): void {
    this.#post(encodeFrame(FRAME.signal, Buffer.from(name)));
  }

  /** The process gets SIGHUP. */
  close(): void {
    this.#end(lost());
  }

  /** For small frames, which need not wait for a slow stream. */
  #post(frame: Buffer): void {
    if (!this.#over.signal.aborted) this.#stream.write(frame);
  }

  async #send(frame: Buffer): Promise<void> {
    if (this.#over.signal.aborted || this.#stream.write(frame)) return;
    await once(this.#stream, 'drain', { signal: this.#over.signal }).catch(() => undefined);
  }

  #receive(chunk: Buffer): void {
    this.#heardAtMs = this.#clock.monotonicMs();
    try {
      for (const frame of this.#reader.push(chunk)) this.#handle(frame);
    } catch (error) {
      this.#stop();
      this.#reject(toSlipwayError(error));
    }
  }

  #handle({ kind, content }: Frame): void {
    switch (kind) {
      case FRAME.started:
        this.#start.resolve(undefined);
        break;
      case FRAME.output:
        this.#write(content, this.#sinks.output);
        break;
      case FRAME.errors:
        this.#write(content, this.#sinks.errors);
        break;
      case FRAME.outputEnd:
        void this.#writing.then(() => this.#sinks.outputEnd?.());
        break;
      case FRAME.exit:
        this.#exited(content.readUInt8(0));
        break;
      case FRAME.failure:
        this.#end(decodeFailure(content));
        break;
      case FRAME.notice:
        this.#sinks.notice?.(content.toString('utf8'));
        break;
      case FRAME.creditBack:
        this.#creditBack(content.readUInt32BE(0));
    }
  }

  #creditBack(bytes: number): void {
    this.#credit = Math.min(WINDOW_BYTES, this.#credit + bytes);
    this.#credited.resolve(undefined);
    this.#credited = Promise.withResolvers();
  }

  #write(bytes: Uint8Array, sink: Sinks['output']): void {
    this.#unwritten += bytes.length;
    if (this.#unwritten > WINDOW_BYTES + FRAME_BYTES_MAX) throw badFrame();
    this.#writing = this.#writing
      .then(() => sink(bytes))
      .then(
        () => this.#wrote(bytes.length),
        (error: unknown) => {
          this.#stop();
          this.#reject(toSlipwayError(error));
        },
      );
  }

  #wrote(bytes: number): void {
    this.#unwritten -= bytes;
    this.#written += bytes;
    if (this.#written < FRAME_BYTES_MAX && this.#unwritten > 0) return;
    this.#post(encodeCredit(this.#written));
    this.#written = 0;
  }

  /** The code counts after the last output. */
  #exited(code: number): void {
    this.#over.abort();
    this.#credited.resolve(undefined);
    void this.#writing.then(() => {
      this.#start.resolve(undefined);
      this.#exit.resolve(code);
      this.#stream.destroy();
    });
  }

  #end(error: SlipwayError): void {
    if (this.#over.signal.aborted) return;
    this.#stop();
    void this.#writing.then(() => this.#reject(error));
  }

  #stop(): void {
    this.#over.abort();
    this.#credited.resolve(undefined);
    this.#stream.destroy();
  }

  #reject(error: SlipwayError): void {
    this.#start.reject(error);
    this.#exit.reject(error);
  }

  async #keepAlive(): Promise<void> {
    while (!this.#over.signal.aborted) {
      await this.#clock.sleep(PING_MS, this.#over.signal).catch(() => undefined);
      if (this.#clock.monotonicMs() - this.#heardAtMs > SILENCE_MS) this.#end(lost());
      else this.#post(encodeFrame(FRAME.ping));
    }
  }
}

function lost(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ATTACH_LOST',
    kind: 'transient',
    message: 'The connection to the process is lost: the instance has ended, or its node cannot be reached.',
    hint: 'See what runs with: slipway ps',
  });
}
