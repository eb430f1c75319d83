/**
 * Runs bench/neighbour.ts in a virtual machine with its own kernel, systemd and cgroup v2. An attack may break this machine, so all
 * bombs run, also those that exhaust a table of the whole machine.
 *
 *   script/bootstrap --vm
 *   unshare --net node bench/neighbour-vm.ts [BOMB…] [--sandbox lxc|nspawn] [--seconds 15] [--rate 5]
 *
 * Needs root. Prints the table of the bench and, as the last line, JSON. The guest has one CPU and slower system calls, so compare
 * each bomb with "none" of the same run.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, runOk } from '../shared/kit/exec.ts';
import { PRODUCT_DIR } from '../test/support/fleet.ts';
import { ensureGuestImage } from '../test/vm/guest-image.ts';
import { Machine } from '../test/vm/machine.ts';

const MEMORY_MB = 4096;
const LIMIT_MS = 3_600_000;
/** Git needs HOME. The messages of the bench go to the console of the guest, so that they survive a crash of the guest. */
const BENCH = `set -eu
mkdir -p /opt/bench
mount -t squashfs -o ro /dev/ubdb /opt/bench
cd /opt/bench
exec systemd-run --quiet --wait --pipe --collect --unit=bench --working-directory=/opt/bench --setenv=HOME=/root \\
  --setenv="PATH=/opt/bench/.tools/node/bin:$PATH" /bin/sh -c 'exec node bench/neighbour.ts --machine-wide "$@" 2>/dev/console' sh "$@"
`;
/** Folders of a checkout that the bench does not use. */
const NOT_PACKED = ['.git', '.tools/vm', '.tools/programs', '.slipway'];

/** A read-only disk with this checkout, its npm packages and its Node. */
async function packCheckout(dir: string): Promise<string> {
  const disk = join(dir, 'checkout.sqfs');
  const args = [
    PRODUCT_DIR,
    disk,
    '-noappend',
    '-no-progress',
    '-quiet',
    '-all-root',
    '-comp',
    'lz4',
    '-e',
    ...NOT_PACKED,
  ];
  await runOk(run, { file: 'mksquashfs', args, timeoutMs: 300_000 });
  return disk;
}

async function main(): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'slipway-bench-'));
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  try {
    const image = await ensureGuestImage(say);
    const machine = await Machine.create({ image, disk: await packCheckout(dir), memoryMb: MEMORY_MB });
    try {
      await machine.switchOn();
      say(`booted: ${await machine.sh('uname -r; stat -f -c %T /sys/fs/cgroup; systemd-detect-virt')}`);
      const result = await machine.exec(['/bin/sh', '-c', BENCH, 'sh', ...process.argv.slice(2)], {
        limitMs: LIMIT_MS,
      });
      process.stdout.write(result.stdout);
      if (result.code !== 0)
        throw new Error(`the bench ended with ${String(result.code)}\n${result.stderr}\n${await machine.console()}`);
    } catch (error) {
      say(await machine.console());
      throw error;
    } finally {
      await machine.dispose();
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

await main();
