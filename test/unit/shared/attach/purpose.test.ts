import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeStart, FrameReader, type StartRequest } from '../../../../shared/attach/frames.ts';
import { COPY_COMMANDS, purposeOf } from '../../../../shared/attach/purpose.ts';

const SIZE = { rows: 24, columns: 80 };

function of(request: StartRequest): string {
  const [frame] = new FrameReader().push(encodeStart(request));
  assert.ok(frame !== undefined);
  return purposeOf(frame.content);
}

describe('the purpose of an attached stream', () => {
  it('is what the start frame asks for', () => {
    assert.equal(of({ mode: 'port', port: 5000 }), 'forward');
    assert.equal(of({ mode: 'pty', size: SIZE, term: 'xterm', words: [] }), 'shell');
    assert.equal(of({ mode: 'pipe', words: [] }), 'shell');
    assert.equal(of({ mode: 'pty', size: SIZE, term: 'xterm', words: ['bash'] }), 'command');
    assert.equal(of({ mode: 'pipe', words: ['cat', '/etc/hosts'] }), 'command');
  });

  it('is a copy only for the commands of ps:copy', () => {
    const { pack, unpack, isFolder } = COPY_COMMANDS;
    for (const words of [pack('/app', 'log'), unpack('/tmp'), isFolder('/app/data')])
      assert.equal(of({ mode: 'pipe', words }), 'copy');
    const others = [
      [...unpack('/tmp'), '--to-command=sh'],
      ['tar', '--to-command=sh', '-xf', '-', 'x'],
      ['tar -C /tmp -xf -'],
      [...pack('/app', 'log'), '--checkpoint-action=exec=sh'],
    ];
    for (const words of others) assert.equal(of({ mode: 'pipe', words }), 'command', words.join(' '));
  });

  it('is a shell for a frame without any field, which starts one', () => {
    assert.equal(purposeOf(Buffer.alloc(0)), 'shell');
    assert.equal(purposeOf(Buffer.from([0xff, 0xfe])), 'shell');
  });
});
