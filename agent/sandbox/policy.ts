import type { Limits } from '../../shared/domain/assignment.ts';
import type { InstanceLayout } from './config.ts';
import type { SandboxSpec } from './port.ts';

/** The app user inside every sandbox. */
export const APP_UID = 1000;
/** Host uids of one app: one user namespace. */
export const UID_COUNT = 65_536;
/** Pseudo-terminals of one sandbox. Without a limit all sandboxes share the number of the machine (kernel.pty.max). */
export const TERMINALS_MAX = 32;
/** Fixed folder inside, read-only: start scripts and the environment. */
export const INSIDE_DIR = '/run/slipway';

export interface BindMount {
  readonly kind: 'bind';
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  /** A file, not a folder. */
  readonly isFile: boolean;
}

export interface TmpfsMount {
  readonly kind: 'tmpfs';
  readonly target: string;
  readonly sizeBytes: number;
  readonly inodes: number;
}

export type PolicyMount = BindMount | TmpfsMount;

/** An argument test of a system call: `(args[index] & mask) === value`. */
export interface ArgumentTest {
  readonly index: number;
  readonly mask: number;
  readonly value: number;
}

export interface SyscallRule {
  readonly name: string;
  readonly errno: number;
  readonly test?: ArgumentTest | undefined;
}

/** Everything that isolates a process. It is rendered for each tool. Builds and apps get the same policy. */
export interface SandboxPolicy {
  readonly id: string;
  readonly hostname: string;
  readonly root: string;
  readonly uidBase: number;
  readonly uidCount: number;
  readonly uid: number;
  readonly gid: number;
  readonly capabilities: readonly [];
  readonly noNewPrivileges: true;
  readonly seccompDeny: readonly SyscallRule[];
  readonly mounts: readonly PolicyMount[];
  /** Files of /proc that read as empty inside. */
  readonly hiddenProc: readonly string[];
  readonly netns: string;
  readonly limits: Limits;
  readonly oomScoreAdjust: number;
  readonly argv: readonly string[];
}

export interface PolicyInput {
  readonly spec: SandboxSpec;
  readonly layout: InstanceLayout;
  readonly root: string;
  /** Bind mounts that belong to the root file system (stack `host`: /usr and friends). */
  readonly rootMounts: readonly PolicyMount[];
  /** Sources of the spec's binds that are files. */
  readonly fileBinds: ReadonlySet<string>;
  /** Entries of /proc worth hiding that this kernel has. */
  readonly procEntries: readonly string[];
  readonly oomScoreAdjust: number;
  readonly scriptsDir: string;
  /** True: the agent mounted the pseudo-terminals, because the tool cannot limit them. */
  readonly ownTerminals: boolean;
  /** The path at which a tool finds a file of the layout on a mount with the flags that a bind must have. */
  readonly view: (path: string) => string;
  readonly netns: string;
}

const HIDDEN_PROC = [
  'kallsyms',
  'keys',
  'key-users',
  'timer_list',
  'sched_debug',
  'kcore',
  'kmsg',
  'sysrq-trigger',
  'slabinfo',
  'vmallocinfo',
];
const SHM_BYTES = 64 * 1024 * 1024;

/** The candidates of {@link SandboxPolicy.hiddenProc}; which exist depends on the kernel. */
export function hiddenProcCandidates(): readonly string[] {
  return HIDDEN_PROC.map((name) => `/proc/${name}`);
}

export function sandboxPolicy(input: PolicyInput): SandboxPolicy {
  const { spec, layout } = input;
  return {
    id: spec.id,
    hostname: spec.hostname,
    root: input.root,
    uidBase: spec.uidBase,
    uidCount: UID_COUNT,
    uid: APP_UID,
    gid: APP_UID,
    capabilities: [],
    noNewPrivileges: true,
    seccompDeny: SECCOMP_DENY,
    mounts: [
      ...input.rootMounts,
      { kind: 'bind', source: layout.app, target: '/app', readOnly: false, isFile: false },
      { kind: 'bind', source: layout.tmp, target: '/tmp', readOnly: false, isFile: false },
      ...(input.ownTerminals ? [terminals(layout)] : []),
      { kind: 'tmpfs', target: '/dev/shm', sizeBytes: SHM_BYTES, inodes: 4096 },
      {
        kind: 'bind',
        source: input.view(input.scriptsDir),
        target: `${INSIDE_DIR}/bin`,
        readOnly: true,
        isFile: false,
      },
      { kind: 'bind', source: input.view(layout.secrets), target: `${INSIDE_DIR}/env`, readOnly: true, isFile: false },
      { kind: 'bind', source: input.view(layout.hosts), target: '/etc/hosts', readOnly: true, isFile: true },
      ...binds(spec.readOnlyBinds, true, input.fileBinds),
      ...binds(spec.writableBinds, false, input.fileBinds),
    ],
    hiddenProc: input.procEntries,
    netns: input.netns,
    limits: spec.limits,
    oomScoreAdjust: input.oomScoreAdjust,
    argv: ['/bin/sh', `${INSIDE_DIR}/bin/start.sh`, `${INSIDE_DIR}/env/env`, '/app', ...spec.argv],
  };
}

function terminals(layout: InstanceLayout): BindMount {
  return { kind: 'bind', source: layout.terminals, target: '/dev/pts', readOnly: false, isFile: false };
}

function binds(map: Readonly<Record<string, string>>, readOnly: boolean, files: ReadonlySet<string>): BindMount[] {
  return Object.entries(map)
    .map(([source, target]): BindMount => ({ kind: 'bind', source, target, readOnly, isFile: files.has(source) }))
    .sort((a, b) => a.target.split('/').length - b.target.split('/').length);
}

const EPERM = 1;
const ENOSYS = 38;
const EPROTONOSUPPORT = 93;
const EAFNOSUPPORT = 97;
const CLONE_NEWUSER = 0x1000_0000;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;

const DENIED_CALLS = [
  // mounts and namespaces
  ...[
    'mount',
    'umount',
    'umount2',
    'pivot_root',
    'chroot',
    'move_mount',
    'open_tree',
    'fsopen',
    'fsconfig',
    'fsmount',
    'fspick',
  ],
  ...['mount_setattr', 'unshare', 'setns', 'quotactl', 'quotactl_fd', 'swapon', 'swapoff'],
  // other processes, kernel memory, tracing
  ...[
    'ptrace',
    'process_vm_readv',
    'process_vm_writev',
    'kcmp',
    'pidfd_getfd',
    'process_madvise',
    'perf_event_open',
    'bpf',
    'lookup_dcookie',
  ],
  ...[
    'userfaultfd',
    'io_uring_setup',
    'io_uring_enter',
    'io_uring_register',
    'add_key',
    'request_key',
    'keyctl',
    'acct',
    'vhangup',
  ],
  // access to files without their mounts
  ...['open_by_handle_at', 'name_to_handle_at', 'fanotify_init'],
  // machine
  ...[
    'init_module',
    'finit_module',
    'delete_module',
    'create_module',
    'query_module',
    'get_kernel_syms',
    'kexec_load',
    'kexec_file_load',
  ],
  ...[
    'reboot',
    'iopl',
    'ioperm',
    'modify_ldt',
    'syslog',
    'settimeofday',
    'clock_settime',
    'clock_adjtime',
    'adjtimex',
    'stime',
    'nfsservctl',
  ],
  ...[
    'sethostname',
    'setdomainname',
    '_sysctl',
    'uselib',
    'vm86',
    'vm86old',
    'move_pages',
    'mbind',
    'set_mempolicy',
    'migrate_pages',
  ],
];

/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. For a socket of another family, the kernel would load a module. */
const SOCKET_FAMILIES = [1, 2, 10, 16];
/** More than kernels know. The kernel itself refuses larger numbers. */
const AF_MAX = 64;
/** DCCP, L2TP, SCTP, SMC: loaded on demand as well. No netlink protocol has such a number. */
const DENIED_PROTOCOLS = [33, 115, 132, 256];

/** The smallest list of masked tests for "in this block of numbers (its size is a power of two), but none of these". */
function testsOutside(
  allowed: readonly number[],
  block: { base: number; size: number },
): Omit<ArgumentTest, 'index'>[] {
  const { base, size } = block;
  if (!allowed.some((one) => one >= base && one < base + size)) return [{ mask: 2 ** 32 - size, value: base }];
  const half = size / 2;
  return size === 1 ? [] : [base, base + half].flatMap((start) => testsOutside(allowed, { base: start, size: half }));
}

/** clone3 passes its flags in memory, which no filter can read. With ENOSYS every libc falls back to clone. */
export const SECCOMP_DENY: readonly SyscallRule[] = Object.freeze([
  ...DENIED_CALLS.map((name) => ({ name, errno: EPERM })),
  { name: 'clone3', errno: ENOSYS },
  // fs.aio-max-nr limits the whole machine; programs use other calls if this one is missing
  { name: 'io_setup', errno: ENOSYS },
  { name: 'clone', errno: EPERM, test: { index: 0, mask: CLONE_NEWUSER, value: CLONE_NEWUSER } },
  ...[TIOCSTI, TIOCLINUX].map((request) => ({
    name: 'ioctl',
    errno: EPERM,
    test: { index: 1, mask: 0xffff_ffff, value: request },
  })),
  ...['socket', 'socketpair'].flatMap((name) => [
    ...testsOutside(SOCKET_FAMILIES, { base: 0, size: AF_MAX }).map((test) => ({
      name,
      errno: EAFNOSUPPORT,
      test: { index: 0, ...test },
    })),
    ...DENIED_PROTOCOLS.map((protocol) => ({
      name,
      errno: EPROTONOSUPPORT,
      test: { index: 2, mask: 0xffff_ffff, value: protocol },
    })),
  ]),
]);
