import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, runOk } from '../../shared/kit/exec.ts';
import { PRODUCT_DIR } from '../support/fleet.ts';

/** What a boot needs of an operating system. */
export interface GuestImage {
  /** A program that is a Linux kernel in user mode. */
  readonly kernel: string;
  /** A raw ext4 image: copy it, never boot from it. */
  readonly root: string;
  /** Of root's ssh. */
  readonly key: string;
}

/** Where the guest is, and where it finds this machine. */
export const GUEST_ADDRESS = '10.0.2.15';
export const HOST_IN_GUEST = '10.0.2.2';
export const HOST_MAC = '02:00:00:00:00:02';

const SUITE = 'bookworm';
const APT_SOURCES = '/etc/apt/sources.list.d/debian.sources';
const KERNEL_SOURCES = '/usr/src/linux-source-6.1.tar.xz';
const ROOT_SIZE = '8G'; // sparse
const CACHE = join(PRODUCT_DIR, '.tools', 'vm');

const NETWORK = `[Match]
Name=vec0
[Network]
Address=${GUEST_ADDRESS}/24
Gateway=${HOST_IN_GUEST}
LinkLocalAddressing=no
IPv6AcceptRA=no
# Commands get through when a bomb fills the table of neighbours.
[Neighbor]
Address=${HOST_IN_GUEST}
LinkLayerAddress=${HOST_MAC}
`;
const FSTAB = `/dev/ubda / ext4 noatime,errors=remount-ro 0 1
`;

/**
 * A Debian with its own kernel and systemd, and the packages that the product needs on a server. Both are made once (some minutes) and kept
 * below .tools/vm; later calls take a moment.
 */
export async function ensureGuestImage(say: (line: string) => void): Promise<GuestImage> {
  const packages = await guestPackages();
  const root = await ensure('root', [SUITE, ROOT_SIZE, NETWORK, FSTAB, ...packages], (dir) => {
    say(`making the guest's disk of ${String(packages.length)} packages`);
    return makeRoot(dir, packages);
  });
  const [script, options] = ['make-kernel.sh', 'kernel.config'].map((name) => join(import.meta.dirname, name)) as [
    string,
    string,
  ];
  const texts = await Promise.all([script, options].map((file) => readFile(file, 'utf8')));
  const kernel = await ensure('kernel', [String((await stat(KERNEL_SOURCES)).mtimeMs), ...texts], async (dir) => {
    say("building the guest's kernel");
    await runOk(run, { file: 'sh', args: [script, KERNEL_SOURCES, options, join(dir, 'linux')], timeoutMs: 3_600_000 });
  });
  return { kernel: join(kernel, 'linux'), root: join(root, 'root.img'), key: join(root, 'key') };
}

/** The folder of this kind that `make` has filled for the recipe; older ones are removed. */
async function ensure(kind: string, recipe: readonly string[], make: (dir: string) => Promise<void>): Promise<string> {
  const name = `${kind}-${createHash('sha256').update(recipe.join('\n')).digest('hex').slice(0, 16)}`;
  const dir = join(CACHE, name);
  if (existsSync(dir)) return dir;
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(join(CACHE, 'making-'));
  try {
    await make(work);
    const old = (await readdir(CACHE)).filter((each) => each.startsWith(`${kind}-`));
    await Promise.all(old.map((each) => rm(join(CACHE, each), { recursive: true, force: true })));
    await rename(work, dir);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return dir;
}

/** Sections [run] and [guest] of the one list of packages. */
async function guestPackages(): Promise<string[]> {
  const packages: string[] = [];
  let section = '';
  for (const line of (await readFile(join(PRODUCT_DIR, 'script', 'packages.txt'), 'utf8')).split('\n')) {
    section = /^\[(\w+)\]/.exec(line)?.[1] ?? section;
    if (/^[a-z0-9]/.test(line) && ['run', 'guest'].includes(section)) packages.push(line.trim());
  }
  return packages;
}

async function makeRoot(dir: string, packages: readonly string[]): Promise<void> {
  const [root, key] = [join(dir, 'tree'), join(dir, 'key')];
  const from = existsSync(APT_SOURCES) ? [APT_SOURCES] : [];
  await runOk(run, {
    file: 'mmdebstrap',
    args: ['--quiet', '--variant=essential', `--include=${packages.join(',')}`, SUITE, root, ...from],
    timeoutMs: 600_000,
  });
  await runOk(run, { file: 'ssh-keygen', args: ['-q', '-t', 'ed25519', '-N', '', '-f', key] });
  await mkdir(join(root, 'root/.ssh'), { recursive: true, mode: 0o700 });
  await copyFile(`${key}.pub`, join(root, 'root/.ssh/authorized_keys'));
  await writeFile(join(root, 'etc/systemd/network/10-uplink.network'), NETWORK);
  await writeFile(join(root, 'etc/fstab'), FSTAB);
  await writeFile(join(root, 'etc/hostname'), 'guest\n');
  await runOk(run, { file: 'systemctl', args: [`--root=${root}`, 'enable', 'systemd-networkd'] });
  await runOk(run, {
    file: 'mke2fs',
    args: ['-q', '-t', 'ext4', '-m', '0', '-d', root, join(dir, 'root.img'), ROOT_SIZE],
  });
  await rm(root, { recursive: true });
}
