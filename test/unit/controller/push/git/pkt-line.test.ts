import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  encodePkt,
  FLUSH_PKT,
  MAX_PKT_DATA_BYTES,
  PktDecoder,
  PktLineError,
  type Pkt,
} from '../../../../../controller/push/git/pkt-line.ts';

test('a packet carries its length, itself included', () => {
  assert.equal(encodePkt('hello\n').toString(), '000ahello\n');
  assert.equal(encodePkt('').toString(), '0004');
  assert.equal(FLUSH_PKT.toString(), '0000');
});

test('special packets are distinguished from data', () => {
  assert.deepEqual(new PktDecoder().push(Buffer.from('0000000100020004')), [
    'flush',
    'delim',
    'response-end',
    Buffer.alloc(0),
  ]);
});

test('an impossible length is refused', () => {
  for (const bad of ['0003', 'FFFF', 'fff1', 'xyzw', '-001', '0x0a', ' 00a']) {
    assert.throws(() => new PktDecoder().push(Buffer.from(bad)), PktLineError, bad);
  }
  assert.throws(() => encodePkt(Buffer.alloc(MAX_PKT_DATA_BYTES + 1)), PktLineError);
});

const packets = fc.array(
  fc.oneof(
    fc.constant<Pkt>('flush'),
    fc.uint8Array({ maxLength: 300 }).map((data): Pkt => Buffer.from(data)),
  ),
  { maxLength: 20 },
);

function encode(pkt: Pkt): Buffer {
  return typeof pkt === 'string' ? FLUSH_PKT : encodePkt(pkt);
}

test('what was encoded is decoded again, in whatever pieces it arrives', () => {
  fc.assert(
    fc.property(packets, fc.integer({ min: 1, max: 50 }), (sent, pieceBytes) => {
      const bytes = Buffer.concat(sent.map(encode));
      const decoder = new PktDecoder();
      const got: Pkt[] = [];
      for (let at = 0; at < bytes.length; at += pieceBytes)
        got.push(...decoder.push(bytes.subarray(at, at + pieceBytes)));
      assert.deepEqual(got, sent);
      assert.ok(decoder.atBoundary);
    }),
  );
});

test('random bytes are either packets or a PktLineError', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 100 }),
        fc.stringMatching(/^[0-9a-f]{0,64}$/).map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        try {
          new PktDecoder().push(bytes);
        } catch (error) {
          assert.ok(error instanceof PktLineError);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
