import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runOk, run, start } from '../../shared/kit/exec.ts';
import { eventually } from '../support/eventually.ts';
import { GuestChannel } from './guest-channel.ts';
import type { GuestImage } from './guest-image.ts';

export interface MachineOptions {
  readonly image: GuestImage;
  /** Further disks, read-only: name (at most 20 characters; `/dev/disk/by-id/virtio-<name>` in the guest) → file. */
  readonly disks: Readonly<Record<string, string>>;
  /** Port of this machine's loopback → port of the guest. */
  readonly forwarded: Readonly<Record<number, number>>;
  /** Ports of this machine's loopback that the guest finds at {@link HOST_IN_GUEST}; nothing else is reachable from it. */
  readonly reachable: readonly number[];
  readonly memoryMb?: number;
}

/** Where the guest finds this machine. */
export const HOST_IN_GUEST = '10.0.2.100';
/** Only a guest that does not boot at all is to fail, also on a busy machine. */
const BOOT_LIMIT_MS = 900_000;
const DEFAULT_MEMORY_MB = 2048;
const GUEST_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

interface GuestResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface ExecStatus {
  readonly exited: boolean;
  readonly exitcode?: number;
  readonly signal?: number;
  readonly 'out-data'?: string;
  readonly 'err-data'?: string;
}

/** A whole computer in a process: kernel, systemd, disk and a power cord. Emulated, so everything in it takes ten times as long. */
export class Machine {
  readonly #dir: string;
  readonly #options: MachineOptions;
  #qemu: ReturnType<typeof start> | undefined;
  #channel: GuestChannel | undefined;

  private constructor(dir: string, options: MachineOptions) {
    this.#dir = dir;
    this.#options = options;
  }

  /** A machine with a fresh disk, switched off. */
  static async create(options: MachineOptions): Promise<Machine> {
    const dir = await mkdtemp(join(tmpdir(), 'slipway-vm-'));
    await runOk(run, { file: 'cp', args: ['--sparse=always', '--', options.image.root, join(dir, 'root.img')] });
    return new Machine(dir, options);
  }

  /** Resolves when the guest can be spoken to. Dies with this process. */
  async switchOn(): Promise<void> {
    const socket = join(this.#dir, 'guest.sock');
    await rm(socket, { force: true });
    const args = ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...this.#qemuArgs(socket)];
    const qemu = start({ file: 'setpriv', args }, ['ignore', 'ignore', 'pipe']);
    this.#qemu = qemu;
    let words = '';
    qemu.stderr?.on('data', (chunk: Buffer) => (words += chunk.toString()));
    const deadlineMs = performance.now() + BOOT_LIMIT_MS;
    await eventually('qemu runs', () => existsSync(socket) || this.#ended()).catch(() => undefined);
    this.#channel = this.#ended() ? undefined : await GuestChannel.open(socket);
    while ((await this.#channel?.answers(2000)) !== true) {
      if (this.#ended() || performance.now() > deadlineMs) throw new Error(`the guest did not boot\n${words}\n${await this.console()}`);
    }
  }

  /** Ends it as a power cut does: whatever the guest had not written is lost. */
  async pullPowerCord(): Promise<void> {
    const qemu = this.#qemu;
    this.#channel?.close();
    if (qemu === undefined || this.#ended()) return;
    const gone = once(qemu, 'exit');
    qemu.kill('SIGKILL');
    await gone;
  }

  /** Asks the guest to shut down, and resolves when it has switched itself off; how long that took, ms. */
  async shutDown(limitMs: number): Promise<number> {
    const beganMs = performance.now();
    await this.#channel?.ask('guest-shutdown', { mode: 'powerdown' }, 1000).catch(() => undefined); // has no answer
    await eventually('the guest switches itself off', () => this.#ended(), limitMs);
    this.#channel?.close();
    return performance.now() - beganMs;
  }

  /** A file of the disk of a machine that was shut down. */
  async readWhenOff(path: string): Promise<string> {
    if (!this.#ended()) throw new Error('the machine is on');
    return (await runOk(run, { file: 'debugfs', args: ['-R', `cat ${path}`, join(this.#dir, 'root.img')] })).stdout;
  }

  async dispose(): Promise<void> {
    await this.pullPowerCord();
    await rm(this.#dir, { recursive: true, force: true });
  }

  /** Runs a program as root in the guest. */
  async exec(argv: readonly string[], limitMs = 60_000): Promise<GuestResult> {
    const channel = this.#channel;
    if (channel === undefined) throw new Error('the machine is switched off');
    const [path, ...arg] = argv;
    const question = { path, arg, env: [GUEST_PATH, 'LANG=C.UTF-8'], 'capture-output': true };
    const { pid } = (await channel.ask('guest-exec', question, limitMs)) as { pid: number };
    const deadlineMs = performance.now() + limitMs;
    for (;;) {
      const status = (await channel.ask('guest-exec-status', { pid }, limitMs)) as ExecStatus;
      if (status.exited) {
        return { code: status.exitcode ?? 128 + (status.signal ?? 0), stdout: text(status['out-data']), stderr: text(status['err-data']) };
      }
      if (performance.now() > deadlineMs) throw new Error(`not within ${String(limitMs)} ms in the guest: ${argv.join(' ')}`);
      await delay(50);
    }
  }

  /** What a fixed script printed; its arguments are $1 and on. @throws when it does not exit with 0 */
  async sh(script: string, args: readonly string[] = [], limitMs = 60_000): Promise<string> {
    const result = await this.exec(['/bin/sh', '-c', script, 'sh', ...args], limitMs);
    if (result.code === 0) return result.stdout.trimEnd();
    throw new Error(`in the guest: exit ${String(result.code)} of ${script}\n${result.stdout}${result.stderr}`);
  }

  /** The end of what the guest wrote to its serial line since the last switch-on. */
  async console(): Promise<string> {
    const log = await readFile(join(this.#dir, 'console.log'), 'utf8').catch(() => '');
    return log.split('\n').slice(-60).join('\n');
  }

  #ended(): boolean {
    return this.#qemu === undefined || this.#qemu.exitCode !== null || this.#qemu.signalCode !== null;
  }

  #qemuArgs(socket: string): string[] {
    const { image, disks, forwarded, reachable, memoryMb = DEFAULT_MEMORY_MB } = this.#options;
    const drives = Object.entries({ root: join(this.#dir, 'root.img'), ...disks });
    const network = [
      'user,id=net,restrict=on',
      ...Object.entries(forwarded).map(([here, there]) => `hostfwd=tcp:127.0.0.1:${here}-10.0.2.15:${String(there)}`),
      ...reachable.map((port) => `guestfwd=tcp:${HOST_IN_GUEST}:${String(port)}-cmd:socat STDIO TCP4:127.0.0.1:${String(port)}`),
    ];
    return [
      ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', String(memoryMb)],
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
      ...['-kernel', image.kernel, '-initrd', image.initrd, '-append', 'root=/dev/disk/by-id/virtio-root rw console=ttyS0 panic=1'],
      ...['-serial', `file:${join(this.#dir, 'console.log')}`],
      ...drives.flatMap(([name, file]) => {
        const access = name === 'root' ? 'cache=writeback,discard=unmap' : 'readonly=on';
        return ['-drive', `file=${file},format=raw,if=none,id=${name},${access}`, '-device', `virtio-blk-pci,drive=${name},serial=${name}`];
      }),
      ...['-netdev', network.join(','), '-device', 'virtio-net-pci,netdev=net', '-device', 'virtio-rng-pci'],
      ...['-device', 'virtio-serial', '-chardev', `socket,path=${socket},server=on,wait=off,id=guest`],
      ...['-device', 'virtserialport,chardev=guest,name=org.qemu.guest_agent.0'],
    ];
  }
}

function text(base64: string | undefined): string {
  return Buffer.from(base64 ?? '', 'base64').toString('utf8');
}
