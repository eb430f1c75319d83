import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../shared/kit/clock.ts';
import { DEFAULT_ENV } from '../../shared/kit/exec.ts';
import { detectCgroups } from './cgroup/detect.ts';
import { hostNameservers } from './network/resolv.ts';
import type { Sandbox } from './port.ts';

/** One of these programs is required; the Debian package contains it. */
interface Need {
  readonly programs: readonly string[];
  readonly packageName: string;
}

const LOGGERS: Need = { programs: ['s6-log', 'svlogd'], packageName: 's6' };
const ISOLATED: readonly Need[] = [
  { programs: ['ip'], packageName: 'iproute2' },
  { programs: ['nft'], packageName: 'nftables' },
  { programs: ['mkfs.ext4'], packageName: 'e2fsprogs' },
  { programs: ['mount'], packageName: 'mount' },
  { programs: ['perl'], packageName: 'perl-base' },
  LOGGERS,
];
const NEEDS: Readonly<Record<Sandbox['kind'], readonly Need[]>> = {
  lxc: [{ programs: ['lxc-execute'], packageName: 'lxc' }, ...ISOLATED],
  nspawn: [
    { programs: ['systemd-nspawn'], packageName: 'systemd-container' },
    { programs: ['nsenter'], packageName: 'util-linux' },
    ...ISOLATED,
  ],
  process: [LOGGERS],
  fake: [],
};

/** What this machine lacks for a driver, one sentence each, with the command that helps. Empty: it can run. */
export async function probeSandbox(kind: Sandbox['kind']): Promise<readonly string[]> {
  const missing = NEEDS[kind]
    .filter((need) => !need.programs.some(isInstalled))
    .map((need) => `${need.programs.join(' or ')} is not installed: apt-get install ${need.packageName}`);
  if (kind === 'process' || kind === 'fake') return missing;
  return [...missing, ...(await kernelLacks(kind))];
}

async function kernelLacks(kind: 'lxc' | 'nspawn'): Promise<string[]> {
  const lacks: string[] = [];
  if (process.getuid?.() !== 0)
    lacks.push(`The ${kind} driver needs root: run the agent as root, or use --sandbox process for development.`);
  if ((await detectCgroups('slipway', systemClock)) === undefined) {
    lacks.push('No cgroup hierarchy with memory and pids is mounted: boot with cgroups enabled.');
  }
  if (readText('/proc/sys/user/max_user_namespaces').trim() === '0') {
    lacks.push('User namespaces are switched off: sysctl -w user.max_user_namespaces=15000');
  }
  if ((await hostNameservers()).length === 0) {
    lacks.push(
      'No IPv4 name server that a sandbox could reach is configured: set `nameservers` in the agent configuration.',
    );
  }
  return lacks;
}

function isInstalled(program: string): boolean {
  return (DEFAULT_ENV['PATH'] ?? '').split(':').some((dir) => isExecutable(join(dir, program)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
