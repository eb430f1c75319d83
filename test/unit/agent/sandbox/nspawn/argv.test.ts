import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nspawnArgv } from '../../../../../agent/sandbox/nspawn/argv.ts';
import { argumentFilter } from '../../../../../agent/sandbox/nspawn/filter.ts';
import { samplePolicy } from '../../../../support/sandbox-policy.ts';

describe('the arguments of systemd-nspawn', () => {
  const argv = nspawnArgv(samplePolicy(), ['confine']);

  it('have every wall of the policy', () => {
    for (const argument of [
      '--settings=no',
      '--register=no',
      '--keep-unit',
      '--read-only',
      '--private-users=805306368:65536',
      '--drop-capability=all',
      '--no-new-privileges=yes',
      '--user=app',
      '--bind-ro=/usr:/usr:norbind',
      '--bind-ro=/dev/null:/proc/kallsyms',
    ]) {
      assert.ok(argv.includes(argument), argument);
    }
    assert.match(argv.find((argument) => argument.startsWith('--system-call-filter=~')) ?? '', /\bmount\b.*\bunshare\b.*\bbpf\b/);
  });

  it('leave the tool its own pipe at /proc/kmsg', () => {
    assert.equal(argv.includes('--bind-ro=/dev/null:/proc/kmsg'), false);
  });

  it('put the filter on arguments before the program', () => {
    assert.deepEqual(argv.slice(argv.indexOf('--')), [
      '--',
      '/bin/sh',
      '/run/slipway/bin/report.sh',
      '--unite',
      'confine',
      ...samplePolicy().argv,
    ]);
  });

  it('escape what nspawn would split at', () => {
    const policy = samplePolicy({ readOnlyBinds: { '/a:b': '/c:d' } });
    assert.ok(nspawnArgv(policy, []).includes('--bind-ro=/a\\:b:/c\\:d:norbind'));
  });
});

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
    assert.equal(decide(41, [2]), 0x7fff_0000, 'socket AF_INET');
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
