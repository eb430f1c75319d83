import { SlipwayError } from '../../../shared/kit/errors.ts';
import { TERMINALS_MAX, type PolicyMount, type SandboxPolicy, type SyscallRule } from '../policy.ts';

export interface LxcPaths {
  readonly seccompProfile: string;
  /** cgroup of the sandbox relative to a hierarchy's root, e.g. `slipway/abcd1234`. */
  readonly cgroup: string;
  readonly cgroupVersion: 1 | 2;
  /** Command run when the container has stopped, while its cgroup still exists. */
  readonly stopHook?: string | undefined;
}

/** The whole config file of one container. Pure. @throws SLIP_SANDBOX_VALUE */
export function lxcConfig(policy: SandboxPolicy, paths: LxcPaths): string {
  const lines = [
    `lxc.rootfs.path = dir:${policy.root}`,
    'lxc.rootfs.options = ro,nosuid,nodev',
    `lxc.uts.name = ${policy.hostname}`,
    `lxc.namespace.share.net = ${policy.netns}`,
    'lxc.mount.auto = proc:mixed',
    ...policy.mounts.map((mount) => `lxc.mount.entry = ${mountEntry(mount)}`),
    ...policy.hiddenProc.map((path) => `lxc.mount.entry = /dev/null ${path.slice(1)} none bind,ro,optional 0 0`),
    'lxc.autodev = 1',
    'lxc.tty.max = 0',
    `lxc.pty.max = ${String(TERMINALS_MAX)}`,
    'lxc.console.path = none',
    'lxc.apparmor.profile = unconfined',
    `lxc.idmap = u 0 ${String(policy.uidBase)} ${String(policy.uidCount)}`,
    `lxc.idmap = g 0 ${String(policy.uidBase)} ${String(policy.uidCount)}`,
    'lxc.cap.keep = none',
    'lxc.no_new_privs = 1',
    `lxc.seccomp.profile = ${paths.seccompProfile}`,
    `lxc.init.uid = ${String(policy.uid)}`,
    `lxc.init.gid = ${String(policy.gid)}`,
    'lxc.init.cwd = /app',
    `lxc.proc.oom_score_adj = ${String(policy.oomScoreAdjust)}`,
    ...cgroupLines(paths),
    ...(paths.stopHook === undefined ? [] : [`lxc.hook.stop = ${paths.stopHook}`]),
  ];
  return `${lines.map(oneLine).join('\n')}\n`;
}

function cgroupLines(paths: LxcPaths): string[] {
  const devices = paths.cgroupVersion === 1 ? 'lxc.cgroup.devices' : 'lxc.cgroup2.devices';
  return [
    `lxc.cgroup.dir.container = ${paths.cgroup}/app`,
    `lxc.cgroup.dir.monitor = ${paths.cgroup}/mon`,
    `lxc.cgroup.dir.monitor.pivot = ${paths.cgroup}/pivot`,
    `${devices}.deny = a`,
    ...DEVICES.map((device) => `${devices}.allow = c ${device} rwm`),
  ];
}

/** null, zero, full, random, urandom, tty, ptmx, pts. */
const DEVICES = ['1:3', '1:5', '1:7', '1:8', '1:9', '5:0', '5:2', '136:*'];

function mountEntry(mount: PolicyMount): string {
  const target = encode(mount.target.slice(1));
  if (mount.kind === 'tmpfs') {
    const options = `rw,nosuid,nodev,mode=1777,size=${String(mount.sizeBytes)},nr_inodes=${String(mount.inodes)},create=dir`;
    return `tmpfs ${target} tmpfs ${options} 0 0`;
  }
  return `${encode(mount.source)} ${target} none bind,${mount.readOnly ? 'ro' : 'rw'},nosuid,nodev 0 0`;
}

/** fstab encoding: the characters that would end a field. */
function encode(path: string): string {
  return path.replace(/[\s\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function oneLine(line: string): string {
  if (!/[\n\r\0]/.test(line)) return line;
  throw new SlipwayError({
    code: 'SLIP_SANDBOX_VALUE',
    message: 'A path or name for the sandbox contains a line break.',
    hint: 'Rename the folder and try again.',
  });
}

/** LXC's deny-list profile, version 2. Pure. */
export function lxcSeccompProfile(rules: readonly SyscallRule[]): string {
  return `2\ndenylist\nreject_force_umount\n[all]\n${rules.map(seccompLine).join('\n')}\n`;
}

function seccompLine(rule: SyscallRule): string {
  const head = `${rule.name} errno ${String(rule.errno)}`;
  if (rule.test === undefined) return head;
  const { index, mask, value } = rule.test;
  return `${head} [${String(index)},${String(value)},SCMP_CMP_MASKED_EQ,${String(mask)}]`;
}
