import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, runOk } from '../../shared/kit/exec.ts';
import { PRODUCT_DIR } from '../support/fleet.ts';

/** What a boot needs of an operating system. The root is a raw ext4 image: copy it, never boot from it. */
export interface GuestImage {
  readonly kernel: string;
  readonly initrd: string;
  readonly root: string;
}

const SUITE = 'bookworm';
const SOURCES = '/etc/apt/sources.list.d/debian.sources';
const ROOT_SIZE = '8G'; // sparse

const NETWORK = `[Match]
Name=en* eth*
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
LinkLocalAddressing=no
IPv6AcceptRA=no
`;
const FSTAB = `/dev/disk/by-id/virtio-root / ext4 noatime,errors=remount-ro 0 1
`;

/**
 * A Debian with its own kernel and systemd, and the packages that the product needs on a server. Made once for a list of
 * packages (two minutes) and kept below .tools/vm; later calls take a moment.
 */
export async function ensureGuestImage(say: (line: string) => void): Promise<GuestImage> {
  const packages = await guestPackages();
  const recipe = [SUITE, ROOT_SIZE, NETWORK, FSTAB, ...packages].join('\n');
  const name = createHash('sha256').update(recipe).digest('hex').slice(0, 16);
  const cache = join(PRODUCT_DIR, '.tools', 'vm');
  const dir = join(cache, name);
  const image = { kernel: join(dir, 'vmlinuz'), initrd: join(dir, 'initrd.img'), root: join(dir, 'root.img') };
  if (existsSync(dir)) return image;
  say(`making the guest's disk of ${String(packages.length)} packages`);
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'making-'));
  try {
    await makeImage(work, packages);
    await Promise.all((await readdir(cache)).filter((old) => old !== name && !old.startsWith('making-')).map((old) => discard(cache, old)));
    await rename(join(work, 'image'), dir);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return image;
}

function discard(cache: string, name: string): Promise<void> {
  return rm(join(cache, name), { recursive: true, force: true });
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

async function makeImage(work: string, packages: readonly string[]): Promise<void> {
  const root = join(work, 'root');
  const image = join(work, 'image');
  const from = existsSync(SOURCES) ? [SOURCES] : [];
  await runOk(run, {
    file: 'mmdebstrap',
    args: ['--quiet', '--variant=essential', `--include=${packages.join(',')}`, SUITE, root, ...from],
    timeoutMs: 600_000,
  });
  await writeFile(join(root, 'etc/systemd/network/10-uplink.network'), NETWORK);
  await writeFile(join(root, 'etc/fstab'), FSTAB);
  await writeFile(join(root, 'etc/hostname'), 'guest\n');
  await runOk(run, { file: 'systemctl', args: [`--root=${root}`, 'enable', 'systemd-networkd'] });
  await mkdir(image);
  for (const name of await readdir(join(root, 'boot'))) {
    const kind = /^(vmlinuz|initrd\.img)-/.exec(name)?.[1];
    if (kind !== undefined) await copyFile(join(root, 'boot', name), join(image, kind));
  }
  await runOk(run, { file: 'mke2fs', args: ['-q', '-t', 'ext4', '-m', '0', '-d', root, join(image, 'root.img'), ROOT_SIZE] });
}
