import { Transform, type TransformCallback } from 'node:stream';
import { toSlipwayError } from '../kit/errors.ts';
import { encodeFailure, frameAt, type Frame } from './frames.ts';

/**
 * Passes frames on, each one as a whole, so a failure can be added between two frames. `look` sees each frame before it is passed on. If a frame
 * is not readable, or `look` throws, the stream ends with this failure.
 */
export class WholeFrames extends Transform {
  readonly #look: (frame: Frame) => void;
  /** The part of a frame that has arrived. */
  #rest: Buffer = Buffer.alloc(0);
  #isOver = false;

  constructor(look: (frame: Frame) => void = () => undefined) {
    super();
    this.#look = look;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (!this.#isOver) this.#pass(this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]));
    done();
  }

  /** Passes no later byte on. @param last a frame */
  cutOff(last?: Buffer): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (last !== undefined) this.push(last);
    this.push(null);
  }

  #pass(bytes: Buffer): void {
    let end = 0;
    try {
      for (let frame = frameAt(bytes, 0); frame !== undefined; frame = frameAt(bytes, end)) {
        this.#look(frame);
        end = frame.end;
      }
      this.#rest = bytes.subarray(end);
      if (end > 0) this.push(bytes.subarray(0, end));
    } catch (error) {
      this.cutOff(encodeFailure(toSlipwayError(error)));
    }
  }
}
