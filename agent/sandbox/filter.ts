import { join } from 'node:path';
import { INSIDE_DIR, type SandboxPolicy, type SyscallRule } from './policy.ts';
import type { ToolPlan } from './tool.ts';

/** Numbers of the calls whose arguments are looked at, and of prctl, per architecture as Node names it. */
interface Architecture {
  readonly audit: number;
  readonly prctl: number;
  readonly calls: Readonly<Record<string, number>>;
}

const ARCHITECTURES: Readonly<Record<string, Architecture>> = Object.freeze({
  x64: {
    audit: 0xc000_003e,
    prctl: 157,
    calls: { clone: 56, clone3: 435, socket: 41, socketpair: 53, ioctl: 16, io_setup: 206 },
  },
  arm64: {
    audit: 0xc000_00b7,
    prctl: 167,
    calls: { clone: 220, clone3: 435, socket: 198, socketpair: 199, ioctl: 29, io_setup: 0 },
  },
});

const ENOSYS = 38;
const ALLOW = 0x7fff_0000;
const ERRNO = 0x0005_0000;
/**
 * Calls from this number on are refused as if the kernel did not have them. They are newer than the last review of the deny-list, and every libc
 * works without them. (467 is open_tree_attr of Linux 6.15. Since 424, all architectures have the same numbers.) The x32 ABI, whose numbers
 * begin at 0x40000000, is refused by this as well.
 */
const FIRST_UNKNOWN = 467;

// classic BPF: opcode, and offsets into struct seccomp_data
const LOAD = 0x20;
const AND = 0x54;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const RETURN = 0x06;
const NR_OFFSET = 0;
const ARCH_OFFSET = 4;
const ARGS_OFFSET = 16;

type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, value: number];

export interface ArgumentFilter {
  readonly prctl: number;
  readonly program: Uint8Array;
}

/**
 * The filter of a policy's argument tests as a file, and the words that put a program behind it. Every tool gets it: nspawn filters by name
 * only, and LXC's own tests do not hold for calls in the 32-bit ABI, which this filter refuses as a whole.
 */
export function confinement(policy: SandboxPolicy, secretsDir: string): ToolPlan {
  const filter = argumentFilter(policy.seccompDeny, process.arch);
  if (filter === undefined) return { files: {}, argv: [] };
  return {
    files: { [join(secretsDir, 'filter')]: filter.program },
    argv: ['/usr/bin/perl', `${INSIDE_DIR}/bin/confine.pl`, String(filter.prctl), `${INSIDE_DIR}/env/filter`],
  };
}

/** The rules that a filter by name cannot say, as instructions of struct sock_filter. `undefined` for a machine we have no numbers of. Pure. */
export function argumentFilter(rules: readonly SyscallRule[], architecture: string): ArgumentFilter | undefined {
  const known = ARCHITECTURES[architecture];
  if (known === undefined) return undefined;
  const checks = rules.flatMap((rule) => ruleInstructions(rule, known.calls[rule.name]));
  const program: Instruction[] = [
    [LOAD, 0, 0, ARCH_OFFSET],
    [JUMP_EQUAL, 1, 0, known.audit],
    [RETURN, 0, 0, ERRNO | ENOSYS],
    [LOAD, 0, 0, NR_OFFSET],
    [JUMP_AT_LEAST, 0, 1, FIRST_UNKNOWN],
    [RETURN, 0, 0, ERRNO | ENOSYS],
    ...checks,
    [RETURN, 0, 0, ALLOW],
  ];
  return { prctl: known.prctl, program: encode(program) };
}

/** The call's number is in the accumulator before and after. */
function ruleInstructions(rule: SyscallRule, number: number | undefined): Instruction[] {
  if (number === undefined) return [];
  const deny: Instruction = [RETURN, 0, 0, ERRNO | rule.errno];
  if (rule.test === undefined) return [[JUMP_EQUAL, 0, 1, number], deny];
  const { index, mask, value } = rule.test;
  return [
    [JUMP_EQUAL, 0, 5, number],
    [LOAD, 0, 0, ARGS_OFFSET + index * 8],
    [AND, 0, 0, mask],
    [JUMP_EQUAL, 0, 1, value],
    deny,
    [LOAD, 0, 0, NR_OFFSET],
  ];
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, jumpTrue, jumpFalse, value]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jumpTrue, index * 8 + 2);
    bytes.writeUInt8(jumpFalse, index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
  }
  return bytes;
}
