import { existsSync } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, readFile, readlink, rename, symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../../shared/kit/atomic-file.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { runOk, type Run } from '../../../shared/kit/exec.ts';
import { APP_UID, type PolicyMount } from '../policy.ts';
import { copyAptSettings } from './apt.ts';
import { mountsBelow } from './mounts.ts';
import { shieldFolder } from './shield.ts';

/** A root file system: folders to overlay (top first), and mounts on top of them. */
export interface RootFiles {
  readonly lowers: readonly string[];
  readonly mounts: readonly PolicyMount[];
}

const MOUNT_POINTS = [
  'app',
  'dev',
  'etc',
  'home',
  'mnt',
  'opt',
  'proc',
  'root',
  'run/slipway/bin',
  'run/slipway/env',
  'srv',
  'sys',
  'tmp',
  'usr',
  'var',
];
const USR_LINKS = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];
/** Folders of this machine's /etc that programs need and that hold no secrets. */
const ETC_BINDS = ['ssl', 'alternatives', 'fonts', 'pki', 'crypto-policies', 'perl', 'ld.so.conf.d'];
const ETC_COPIES = [
  'ld.so.cache',
  'ld.so.conf',
  'services',
  'protocols',
  'mime.types',
  'debian_version',
  'lsb-release',
  'magic',
  'magic.mime',
];

/**
 * The root of stack `host`: the read-only /usr of this machine, and our own /etc. All sandboxes share it (a few hundred kilobytes).
 * Each call updates changed files in place, so running sandboxes see a new resolv.conf.
 */
export async function ensureHostSkeleton(base: string, nameservers: readonly string[], run: Run): Promise<RootFiles> {
  const root = join(base, 'root', 'host');
  for (const dir of MOUNT_POINTS) await mkdir(join(root, dir), { recursive: true });
  await chmod(join(root, 'tmp'), 0o1777);
  const shielded = async (path: string): Promise<PolicyMount> => bind(await shieldFolder(base, path, run), path);
  const mounts: PolicyMount[] = [await shielded('/usr')];
  for (const name of USR_LINKS) if (await usrEntry(root, name)) mounts.push(await shielded(`/${name}`));
  for (const [name, target] of [
    ['var/tmp', '/tmp'],
    ['var/run', '/run'],
    ['var/lock', '/tmp'],
  ] as const)
    await link(target, join(root, name));
  await link('../usr/lib/os-release', join(root, 'etc/os-release'));
  for (const name of ETC_BINDS.filter((folder) => existsSync(`/etc/${folder}`))) {
    await mkdir(join(root, 'etc', name), { recursive: true });
    mounts.push(await shielded(`/etc/${name}`));
  }
  // apt in a build (heroku-buildpack-apt) needs the package lists and the list of installed packages.
  await copyAptSettings('/etc/apt', join(root, 'etc/apt'));
  if (existsSync('/var/lib/dpkg/status')) {
    await mkdir(join(root, 'var/lib/dpkg'), { recursive: true });
    mounts.push(await shielded('/var/lib/dpkg'));
  }
  for (const name of ETC_COPIES) await copyIfThere(`/etc/${name}`, join(root, 'etc', name));
  await writeEtc(join(root, 'etc'), { passwd: '', group: '' }, nameservers);
  return { lowers: [await mountSkeleton(root, run)], mounts };
}

/**
 * A mount of the skeleton whose flags do not depend on the file system below. With `noatime` there, LXC fails, because it would have to change
 * a flag that is locked in a user namespace, and nspawn leaves the root writable.
 */
async function mountSkeleton(root: string, run: Run): Promise<string> {
  const target = `${root}-mount`;
  if ((await mountsBelow(target)).includes(target)) return target;
  await mkdir(target, { recursive: true });
  const options = ['--bind', '-o', 'ro,nosuid,nodev,relatime'];
  await runOk(run, { file: 'mount', args: [...options, '--', root, target], timeoutMs: 20_000 });
  return target;
}

export interface StackPlace {
  readonly base: string;
  readonly stacksDir: string;
}

/**
 * The root of a named stack: its folder, and a small layer on top with our mount points and the app user.
 * @throws SLIP_SANDBOX_STACK
 */
export async function ensureNamedStack(
  where: StackPlace,
  stack: string,
  nameservers: readonly string[],
): Promise<RootFiles> {
  const folder = join(where.stacksDir, stack);
  if (!/^[a-z0-9][a-z0-9.-]{0,60}$/.test(stack) || !existsSync(join(folder, 'usr'))) {
    throw new SlipwayError({
      code: 'SLIP_SANDBOX_STACK',
      message: `This node has no stack "${stack.slice(0, 60)}".`,
      hint: `Put its root file system at ${where.stacksDir}/<name>, or build the app for the stack "host".`,
    });
  }
  const top = join(where.base, 'root', `stack-${stack}`);
  for (const dir of ['app', 'dev', 'proc', 'run/slipway/bin', 'run/slipway/env', 'sys', 'etc'])
    await mkdir(join(top, dir), { recursive: true });
  const [passwd, group] = await Promise.all(
    ['passwd', 'group'].map((name) => readFile(join(folder, 'etc', name), 'utf8').catch(() => '')),
  );
  await writeEtc(join(top, 'etc'), { passwd: passwd ?? '', group: group ?? '' }, nameservers);
  // for a stack without the init program of the tool
  await writeIfChanged(join(top, 'init.lxc.static'), '');
  return { lowers: [top, folder], mounts: [] };
}

async function writeEtc(
  etc: string,
  base: { passwd: string; group: string },
  nameservers: readonly string[],
): Promise<void> {
  const files = {
    passwd: withAppUser(base.passwd, PASSWD, `app:x:${String(APP_UID)}:${String(APP_UID)}:app:/app:/bin/bash`),
    group: withAppUser(base.group, GROUP, `app:x:${String(APP_UID)}:`),
    hosts: HOSTS,
    'nsswitch.conf':
      'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\n',
    'resolv.conf': `${nameservers.map((server) => `nameserver ${server}`).join('\n')}\noptions timeout:2 attempts:2\n`,
  };
  for (const [name, text] of Object.entries(files)) await writeIfChanged(join(etc, name), text);
}

const HOSTS = '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n';

/** /etc/hosts of one sandbox. Its host name resolves to the address that others use to reach it. Pure. */
export function hostsFile(hostname: string, address: string): string {
  return `${HOSTS}${address}\t${hostname}\n`;
}

const PASSWD = 'root:x:0:0:root:/root:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n';
const GROUP = 'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n';

/** Replaces the entries with our name or our number by our line. Pure. */
export function withAppUser(text: string, fallback: string, line: string): string {
  const others = (text === '' ? fallback : text)
    .split('\n')
    .filter((entry) => entry !== '' && entry.split(':')[0] !== 'app' && entry.split(':')[2] !== String(APP_UID));
  return `${[...others, line].join('\n')}\n`;
}

/** /bin, /lib and others are links into /usr or folders. @returns true for a folder, which must be bound */
async function usrEntry(root: string, name: string): Promise<boolean> {
  const found = await lstat(`/${name}`).catch(() => undefined);
  if (found === undefined) return false;
  if (found.isSymbolicLink()) {
    await link(await readlink(`/${name}`), join(root, name));
    return false;
  }
  await mkdir(join(root, name), { recursive: true });
  return true;
}

function bind(source: string, target: string): PolicyMount {
  return { kind: 'bind', source, target, readOnly: true, isFile: false };
}

async function link(target: string, path: string): Promise<void> {
  if ((await lstat(path).catch(() => undefined)) === undefined) await symlink(target, path);
}

async function copyIfThere(source: string, target: string): Promise<void> {
  const [from, to] = await Promise.all([source, target].map((path) => lstat(path).catch(() => undefined)));
  if (from?.isFile() !== true || (to !== undefined && seconds(to) === seconds(from) && to.size === from.size)) return;
  const temp = `${target}.new`;
  await copyFile(source, temp);
  await utimes(temp, from.mtime, from.mtime);
  await rename(temp, target);
}

function seconds({ mtimeMs }: { readonly mtimeMs: number }): number {
  return Math.floor(mtimeMs / 1000);
}

async function writeIfChanged(path: string, text: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) await writeFileAtomic(path, text);
}

/** True if one of the overlaid folders has something at this absolute path. */
export async function hasPath(files: RootFiles, path: string): Promise<boolean> {
  const names = await Promise.all(files.lowers.map((lower) => lstat(join(lower, path)).catch(() => undefined)));
  return names.some((found) => found !== undefined);
}
