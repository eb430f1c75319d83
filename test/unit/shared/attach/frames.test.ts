import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  decodeFailure,
  encodeFailure,
  encodeFrame,
  encodeResize,
  encodeStart,
  FRAME,
  FRAME_BYTES_MAX,
  FrameReader,
  type Frame,
} from '../../../../shared/attach/frames.ts';

const anyFrame = fc.record({ kind: fc.integer({ min: 0, max: 255 }), content: fc.uint8Array({ maxLength: 300 }) });

function readAll(chunks: readonly Uint8Array[]): readonly Frame[] {
  const reader = new FrameReader();
  return chunks.flatMap((chunk) => reader.push(chunk));
}

/** The bytes in pieces of these lengths, again and again. */
function cut(bytes: Buffer, lengths: readonly number[]): readonly Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const length = lengths[index % lengths.length] ?? 1;
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

describe('frames of an attached stream', () => {
  it('are the same after any cut of the bytes', () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1 }),
        (frames, lengths) => {
          const bytes = Buffer.concat(frames.map(({ kind, content }) => encodeFrame(kind, content)));
          const read = readAll(cut(bytes, lengths));
          assert.deepEqual(
            read.map(({ kind, content }) => ({ kind, content: [...content] })),
            frames.map(({ kind, content }) => ({ kind, content: [...content] })),
          );
        },
      ),
    );
  });

  it('refuse a length that no peer sends', () => {
    const header = Buffer.from([FRAME.output, 0, 1, 0, 1]);
    assert.equal(header.readUInt32BE(1), FRAME_BYTES_MAX + 1);
    assert.throws(() => new FrameReader().push(header), { code: 'SLIP_ATTACH_FRAME' });
  });

  it('keep the words of a command, also empty ones', () => {
    const [frame] = readAll([encodeStart({ mode: 'pipe', words: ['sh', '-c', 'echo "$1"', '', 'ä b'] })]);
    assert.deepEqual(frame?.content.toString('utf8').split('\0'), [
      'pipe',
      '0',
      '0',
      '',
      'sh',
      '-c',
      'echo "$1"',
      '',
      'ä b',
    ]);
  });

  it('refuse a command line that is too long, or has a NUL byte', () => {
    for (const word of ['x'.repeat(FRAME_BYTES_MAX), 'a\0b'])
      assert.throws(() => encodeStart({ mode: 'pipe', words: [word] }), { code: 'SLIP_ATTACH_COMMAND_LINE' });
  });

  it('carry the size of a terminal, at most 65535', () => {
    const [frame] = readAll([encodeResize({ rows: 24, columns: 100_000 })]);
    assert.deepEqual([frame?.content.readUInt16BE(0), frame?.content.readUInt16BE(2)], [24, 65_535]);
  });

  it('carry a failure, and never a code that is none', () => {
    const read = (bytes: Buffer): ReturnType<typeof decodeFailure> => decodeFailure(readAll([bytes])[0]!.content);
    const failure = read(encodeFailure({ code: 'SLIP_ATTACH_PORT', message: 'No.', hint: 'Try: x' }));
    assert.deepEqual([failure.code, failure.message, failure.hint], ['SLIP_ATTACH_PORT', 'No.', 'Try: x']);
    assert.equal(read(encodeFailure({ code: '\u001b[2J', message: 'x'.repeat(1_000) })).code, 'SLIP_ATTACH_LOST');
  });
});
