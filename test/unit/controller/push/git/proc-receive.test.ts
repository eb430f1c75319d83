import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodePkt, FLUSH_PKT, PktDecoder, PktLineError } from '../../../../../controller/push/git/pkt-line.ts';
import { encodeResults, ProcReceiveParser } from '../../../../../controller/push/git/proc-receive.ts';

const OLD = '1'.repeat(40);
const NEW = '2'.repeat(40);

function conversation(capabilities: string, refs: readonly string[]): Buffer {
  const commands = refs.map((ref) => encodePkt(`${OLD} ${NEW} ${ref}`));
  return Buffer.concat([encodePkt(`version=1\0${capabilities}\n`), FLUSH_PKT, ...commands, FLUSH_PKT]);
}

test('the greeting and then the commands are read', () => {
  const parser = new ProcReceiveParser();
  const bytes = conversation('push-options atomic', ['refs/heads/main', 'refs/heads/ö x']);
  const greetingEnd = bytes.indexOf('0000') + 4;
  assert.deepEqual(parser.push(bytes.subarray(0, greetingEnd)), { greeted: true });
  const { request } = parser.push(bytes.subarray(greetingEnd));
  assert.equal(request?.atomic, true);
  assert.deepEqual(
    request.commands.map(({ ref }) => ref),
    ['refs/heads/main', 'refs/heads/ö x'],
  );
});

test('without atomic in the greeting the push is not atomic', () => {
  assert.equal(new ProcReceiveParser().push(conversation('', ['refs/heads/main'])).request?.atomic, false);
});

test('another version or an invalid command is an error', () => {
  assert.throws(() => new ProcReceiveParser().push(Buffer.concat([encodePkt('version=2\n'), FLUSH_PKT])), PktLineError);
  const bad = Buffer.concat([encodePkt('version=1\n'), FLUSH_PKT, encodePkt('x y z')]);
  assert.throws(() => new ProcReceiveParser().push(bad), PktLineError);
});

test('results take the form git expects, with the reason on one short line', () => {
  const results = encodeResults([
    { kind: 'done', ref: 'refs/heads/main' },
    { kind: 'store', ref: 'refs/tags/v1' },
    { kind: 'refuse', ref: 'refs/heads/x', reason: `no\nok refs/heads/evil ${'y'.repeat(1000)}` },
  ]);
  const lines = new PktDecoder().push(results).map(String);
  assert.deepEqual(lines.slice(0, 3), ['ok refs/heads/main', 'ok refs/tags/v1', 'option fall-through']);
  assert.match(lines[3] ?? '', /^ng refs\/heads\/x no ok refs\/heads\/evil y+…$/);
  assert.ok((lines[3] ?? '').length < 330);
  assert.equal(lines[4], 'flush');
});

test('random bytes are refused or waited on, never anything else', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string({ maxLength: 90 }), fc.constant('flush'))), (texts) => {
      try {
        new ProcReceiveParser().push(
          Buffer.concat(texts.map((text) => (text === 'flush' ? FLUSH_PKT : encodePkt(text)))),
        );
      } catch (error) {
        assert.ok(error instanceof PktLineError);
      }
    }),
  );
});
