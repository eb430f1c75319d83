import type { EventEmitter } from 'node:events';
import { Duplex } from 'node:stream';
import { FRAME_BYTES_MAX } from '../attach/frames.ts';
import type { WireAttachedBytes, WireAttachedBytesOut } from './service.ts';

/** One end of a call Attach. Both ends of gRPC fit. */
interface BytesCall extends EventEmitter {
  readonly destroyed: boolean;
  write(message: WireAttachedBytes): boolean;
  end(): unknown;
  pause(): unknown;
  resume(): unknown;
  /** The end of the client has it. */
  cancel?(): void;
}

/** The bytes of a call as a stream, with the flow control of the call: a slow reader stops the sender. */
export function bytesOf(call: BytesCall): Duplex {
  const stream = new Duplex({
    allowHalfOpen: true,
    readableHighWaterMark: FRAME_BYTES_MAX,
    writableHighWaterMark: FRAME_BYTES_MAX,
    read: () => void call.resume(),
    write: (chunk: Buffer, _encoding, done) => writeAll(call, chunk, done),
    final: (done) => {
      call.end();
      done();
    },
    destroy: (error, done) => {
      if (call.cancel === undefined) call.end();
      else call.cancel();
      done(error);
    },
  });
  call.on('data', ({ data }: WireAttachedBytesOut) => {
    if (data.length > 0 && !stream.push(data)) call.pause();
  });
  call.on('end', () => void stream.push(null));
  for (const event of ['error', 'close', 'cancelled']) call.on(event, () => stream.destroy());
  return stream;
}

function writeAll(call: BytesCall, chunk: Buffer, done: () => void): void {
  let free = true;
  for (let at = 0; at < chunk.length; at += FRAME_BYTES_MAX)
    free = call.write({ data: chunk.subarray(at, at + FRAME_BYTES_MAX) });
  if (free || call.destroyed) {
    done();
    return;
  }
  const settle = (): void => {
    for (const event of ['drain', 'close', 'error']) call.off(event, settle);
    done();
  };
  for (const event of ['drain', 'close', 'error']) call.on(event, settle);
}
