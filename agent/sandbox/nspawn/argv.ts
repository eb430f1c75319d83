import { INSIDE_DIR, type PolicyMount, type SandboxPolicy } from '../policy.ts';

/** nspawn's own filter answers EPERM to every denied call. Our filter behind it answers ENOSYS to calls that programs can do without. */
const ENOSYS = 38;

/** Arguments of systemd-nspawn; the process is in its cgroup and network namespace already. Pure. */
export function nspawnArgv(policy: SandboxPolicy, confine: readonly string[]): string[] {
  const denied = policy.seccompDeny
    .filter((rule) => rule.test === undefined && rule.errno !== ENOSYS)
    .map((rule) => rule.name);
  return [
    ...['--quiet', '--settings=no', '--register=no', '--keep-unit', '--as-pid2', '--console=pipe', '--link-journal=no'],
    ...['--resolv-conf=off', '--timezone=off', `--machine=${policy.id}`, `--hostname=${policy.hostname}`],
    ...[`--directory=${policy.root}`, '--read-only'],
    ...[`--private-users=${String(policy.uidBase)}:${String(policy.uidCount)}`, '--private-users-ownership=off'],
    ...['--user=app', '--chdir=/app'],
    ...['--drop-capability=all', '--no-new-privileges=yes', `--system-call-filter=~${denied.join(' ')}`],
    '--rlimit=CORE=0',
    ...policy.mounts.map(mountOption),
    ...policy.hiddenProc.filter((path) => path !== OWN_KMSG).map((path) => `--bind-ro=/dev/null:${path}`),
    '--',
    ...['/bin/sh', `${INSIDE_DIR}/bin/report.sh`, '--unite', ...confine, ...policy.argv],
  ];
}

/** nspawn puts a pipe of its own there. */
const OWN_KMSG = '/proc/kmsg';

function mountOption(mount: PolicyMount): string {
  if (mount.kind === 'tmpfs') {
    return `--tmpfs=${escape(mount.target)}:mode=1777,nosuid,nodev,size=${String(mount.sizeBytes)},nr_inodes=${String(mount.inodes)}`;
  }
  return `--bind${mount.readOnly ? '-ro' : ''}=${escape(mount.source)}:${escape(mount.target)}:norbind`;
}

function escape(path: string): string {
  return path.replace(/[\\:]/g, '\\$&');
}
