import { Transform, type TransformCallback } from 'node:stream';
import { toSlipwayError } from '../kit/errors.ts';
import { encodeFailure, frameAt, type Frame } from './frames.ts';

interface Watching {
  /** Sees each frame before it is passed on. */
  readonly look?: (frame: Frame) => void;
  /** Takes the failure in place of the reader of this stream. */
  readonly onFailure?: (error: unknown) => void;
}

/**
 * Passes frames on, each one as a whole, so a frame can be added between two frames. If a frame is not readable, or `look` throws, the stream
 * ends with this failure in place of the frame, or without it if `onFailure` is set.
 */
export class WholeFrames extends Transform {
  readonly #watching: Watching;
  /** The part of a frame that has arrived. */
  #rest: Buffer = Buffer.alloc(0);
  #isOver = false;

  constructor(watching: Watching = {}) {
    super();
    this.#watching = watching;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (!this.#isOver) this.#pass(this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]));
    done();
  }

  /** Adds a frame between two frames. */
  add(frame: Buffer): void {
    if (!this.#isOver) this.push(frame);
  }

  /** Passes no later byte on. @param last a frame */
  cutOff(last?: Buffer): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (last !== undefined) this.push(last);
    this.push(null);
  }

  #pass(bytes: Buffer): void {
    const { look, onFailure } = this.#watching;
    let end = 0;
    try {
      for (let frame = frameAt(bytes, 0); frame !== undefined; frame = frameAt(bytes, end)) {
        look?.(frame);
        end = frame.end;
      }
      this.#rest = bytes.subarray(end);
      if (end > 0) this.push(bytes.subarray(0, end));
    } catch (error) {
      if (end > 0) this.push(bytes.subarray(0, end));
      this.cutOff(onFailure === undefined ? encodeFailure(toSlipwayError(error)) : undefined);
      onFailure?.(error);
    }
  }
}
