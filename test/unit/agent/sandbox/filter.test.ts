import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { argumentFilter } from '../../../../agent/sandbox/filter.ts';
import { samplePolicy } from '../../../support/sandbox-policy.ts';

describe('the filter on arguments', () => {
  const filter = argumentFilter(samplePolicy().seccompDeny, 'x64');

  it('is whole instructions that end in allow', () => {
    const program = Buffer.from(filter!.program);
    assert.equal(program.length % 8, 0);
    assert.equal(program.readUInt16LE(program.length - 8), 0x06);
    assert.equal(program.readUInt32LE(program.length - 4), 0x7fff_0000);
  });

  it('decides as the rules say', () => {
    const decide = (nr: number, args: number[]): number => execute(filter!.program, { nr, args, arch: 0xc000_003e });
    assert.equal(decide(56, [0x1000_0000 | 17]), 0x0005_0001, 'clone NEWUSER');
    assert.equal(decide(56, [17]), 0x7fff_0000, 'fork');
    assert.equal(decide(435, [0]), 0x0005_0000 | 38, 'clone3');
    assert.equal(decide(41, [40]), 0x0005_0000 | 97, 'socket AF_VSOCK');
    for (const call of [41, 53]) {
      for (let family = 0; family < 64; family += 1)
        assert.equal(
          decide(call, [family]),
          [1, 2, 10, 16].includes(family) ? 0x7fff_0000 : 0x0005_0000 | 97,
          `family ${String(family)}`,
        );
    }
    for (const protocol of [33, 115, 132, 256])
      assert.equal(decide(41, [2, 1, protocol]), 0x0005_0000 | 93, `protocol ${String(protocol)}`);
    for (const protocol of [0, 6, 17, 262])
      assert.equal(decide(41, [2, 1, protocol]), 0x7fff_0000, `protocol ${String(protocol)}`);
    assert.equal(decide(41, [16, 3, 0]), 0x7fff_0000, 'route netlink');
    assert.equal(decide(16, [0, 0x5412]), 0x0005_0001, 'ioctl TIOCSTI');
    assert.equal(decide(16, [0, 0x5413]), 0x7fff_0000, 'ioctl TIOCGWINSZ');
    assert.equal(decide(1, [1]), 0x7fff_0000, 'write');
    assert.equal(decide(0x4000_0001, [1]), 0x0005_0000 | 38, 'x32');
    assert.equal(execute(filter!.program, { nr: 1, args: [], arch: 3 }), 0x0005_0000 | 38, 'other architecture');
  });

  it('is absent where the numbers are not known', () => {
    assert.equal(argumentFilter(samplePolicy().seccompDeny, 'riscv64'), undefined);
  });
});

function load(data: { nr: number; args: number[]; arch: number }, offset: number): number {
  if (offset === 0) return data.nr;
  return offset === 4 ? data.arch : (data.args[(offset - 16) / 8] ?? 0);
}

/** A small interpreter of the instructions that we use. */
function execute(program: Uint8Array, data: { nr: number; args: number[]; arch: number }): number {
  const bytes = Buffer.from(program);
  let accumulator = 0;
  for (let at = 0; at < bytes.length; at += 8) {
    const [code, jumpTrue, jumpFalse, value] = [
      bytes.readUInt16LE(at),
      bytes.readUInt8(at + 2),
      bytes.readUInt8(at + 3),
      bytes.readUInt32LE(at + 4),
    ];
    if (code === 0x06) return value;
    if (code === 0x20) accumulator = load(data, value);
    if (code === 0x54) accumulator = (accumulator & value) >>> 0;
    if (code === 0x15) at += 8 * (accumulator === value ? jumpTrue : jumpFalse);
    if (code === 0x35) at += 8 * (accumulator >= value ? jumpTrue : jumpFalse);
  }
  throw new Error('ran off the end');
}
