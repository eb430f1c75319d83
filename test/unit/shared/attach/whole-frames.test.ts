import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  encodeFailure,
  encodeFrame,
  encodeNotice,
  FRAME,
  FrameReader,
  type Frame,
} from '../../../../shared/attach/frames.ts';
import { WholeFrames } from '../../../../shared/attach/whole-frames.ts';

const FAILURE = encodeFailure({ code: 'SLIP_TOKEN_REVOKED', message: 'Revoked.' });
const OUTPUT = encodeFrame(FRAME.output, Buffer.from('one two three'));

async function read(frames: WholeFrames): Promise<readonly Frame[]> {
  return new FrameReader().push(await buffer(frames));
}

function refuse(): never {
  throw new Error('no');
}

describe('whole frames', () => {
  it('are the same after any cut of the bytes, and each one is seen', async () => {
    const frame = fc.record({ kind: fc.integer({ min: 0, max: 255 }), content: fc.uint8Array({ maxLength: 50 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { maxLength: 9 }), fc.integer({ min: 1, max: 40 }), async (sent, size) => {
        const bytes = Buffer.concat(sent.map(({ kind, content }) => encodeFrame(kind, content)));
        const seen: number[] = [];
        const frames = new WholeFrames({ look: ({ kind }) => seen.push(kind) });
        for (let at = 0; at < bytes.length; at += size) frames.write(bytes.subarray(at, at + size));
        frames.end();
        assert.ok((await buffer(frames)).equals(bytes));
        assert.deepEqual(
          seen,
          sent.map(({ kind }) => kind),
        );
      }),
    );
  });

  it('keep a part of a frame back, so that a failure can follow', async () => {
    const frames = new WholeFrames();
    frames.write(Buffer.concat([OUTPUT, OUTPUT.subarray(0, 9)]));
    frames.cutOff(FAILURE);
    frames.write(OUTPUT.subarray(9));
    frames.end();
    assert.deepEqual(
      (await read(frames)).map(({ kind }) => kind),
      [FRAME.output, FRAME.failure],
    );
  });

  it('end with a failure in place of a frame that is too long, or is refused', async () => {
    const long = Buffer.from([FRAME.output, 0xff, 0xff, 0xff, 0xff]);
    const broken = new WholeFrames();
    broken.end(Buffer.concat([OUTPUT, long]));
    const refusing = new WholeFrames({ look: refuse });
    refusing.end(OUTPUT);
    const kinds = async (frames: WholeFrames): Promise<readonly number[]> =>
      (await read(frames)).map(({ kind }) => kind);
    assert.deepEqual([await kinds(broken), await kinds(refusing)], [[FRAME.output, FRAME.failure], [FRAME.failure]]);
  });

  it('take one more frame between two frames, until they are cut off', async () => {
    const frames = new WholeFrames();
    frames.write(Buffer.concat([OUTPUT, OUTPUT.subarray(0, 9)]));
    frames.add(encodeNotice('It ends soon.'));
    frames.write(OUTPUT.subarray(9));
    frames.cutOff();
    frames.add(encodeNotice('Too late.'));
    frames.end();
    assert.deepEqual(
      (await read(frames)).map(({ kind }) => kind),
      [FRAME.output, FRAME.notice, FRAME.output],
    );
  });

  it('end without the failure when another stream tells it', async () => {
    const failures: unknown[] = [];
    const refusing = new WholeFrames({ look: refuse, onFailure: (error) => failures.push(error) });
    refusing.write(OUTPUT);
    refusing.end(OUTPUT);
    assert.deepEqual(await read(refusing), []);
    assert.deepEqual(failures.map(String), ['Error: no']);
  });
});
