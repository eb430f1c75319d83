import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, runOk, start, type CommandResult } from '../../shared/kit/exec.ts';
import { eventually } from '../support/eventually.ts';
import { GUEST_ADDRESS, HOST_IN_GUEST, HOST_MAC, type GuestImage } from './guest-image.ts';

export interface MachineOptions {
  readonly image: GuestImage;
  /** A further disk, read-only; `/dev/ubdb` in the guest. */
  readonly disk?: string;
  readonly memoryMb?: number;
}

export interface ExecOptions {
  readonly stdin?: string;
  readonly limitMs?: number;
}

/** Of the tap between the guest and this network namespace. */
const TAP = 'guest';
/** Only a guest that does not boot at all is to fail, also on a busy machine. */
const BOOT_LIMIT_MS = 300_000;
const EXEC_LIMIT_MS = 240_000;
const DEFAULT_MEMORY_MB = 2048;
const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * A whole computer in a process: a Linux kernel in user mode, systemd, disk and a power cord. It needs a network namespace of its own:
 * there it has one neighbour, this process.
 */
export class Machine {
  readonly #dir: string;
  readonly #options: MachineOptions;
  #kernel: ReturnType<typeof start> | undefined;

  private constructor(dir: string, options: MachineOptions) {
    this.#dir = dir;
    this.#options = options;
  }

  /** A machine with a fresh disk, switched off. */
  static async create(options: MachineOptions): Promise<Machine> {
    await ensureTap();
    const dir = await mkdtemp(join(tmpdir(), 'slipway-vm-'));
    await runOk(run, { file: 'cp', args: ['--sparse=always', '--', options.image.root, join(dir, 'root.img')] });
    return new Machine(dir, options);
  }

  /** Resolves when the guest takes commands. Dies with this process. */
  async switchOn(): Promise<void> {
    const log = openSync(join(this.#dir, 'console.log'), 'w');
    const words: string[] = [];
    const args = [
      '--pdeathsig',
      'KILL',
      'unshare',
      '--pid',
      '--fork',
      '--kill-child',
      this.#options.image.kernel,
      ...this.#kernelArgs(),
    ];
    const kernel = start({ file: 'setpriv', args }, ['ignore', log, 'pipe']);
    closeSync(log);
    this.#kernel = kernel;
    kernel.stderr?.on('data', (chunk: Buffer) => words.push(chunk.toString()));
    const answers = async (): Promise<boolean> => {
      if (this.#ended()) throw new Error(`the guest ended\n${words.join('')}\n${await this.console()}`);
      return (await this.exec(['true'], { limitMs: 10_000 }).catch(() => undefined))?.code === 0;
    };
    await eventually('the guest boots', answers, BOOT_LIMIT_MS);
  }

  /** Ends it as a power cut does: whatever the guest had not written is lost. */
  async pullPowerCord(): Promise<void> {
    const kernel = this.#kernel;
    if (kernel === undefined || this.#ended()) return;
    const gone = once(kernel, 'close'); // every process of the guest holds its standard error
    kernel.kill('SIGKILL');
    await gone;
  }

  /** Asks the guest to shut down, and resolves when it has switched itself off; how long that took, ms. */
  async shutDown(limitMs: number): Promise<number> {
    const beganMs = performance.now();
    await this.exec(['systemctl', 'poweroff']);
    await eventually('the guest switches itself off', () => this.#ended(), limitMs);
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

  /** Runs a program as root in the guest, whatever its exit code. */
  exec(argv: readonly string[], { stdin, limitMs = EXEC_LIMIT_MS }: ExecOptions = {}): Promise<CommandResult> {
    const options = [
      'BatchMode=yes',
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
      'LogLevel=ERROR',
      'ConnectTimeout=5',
    ];
    const args = ['-F', '/dev/null', '-i', this.#options.image.key, ...options.flatMap((option) => ['-o', option])];
    const command = ['env', DEFAULT_PATH, ...argv].map(quote).join(' ');
    return run({ file: 'ssh', args: [...args, `root@${GUEST_ADDRESS}`, command], stdin, timeoutMs: limitMs });
  }

  /** What a fixed script printed; its arguments are $1 and on. @throws when it does not exit with 0 */
  async sh(script: string, args: readonly string[] = [], options: ExecOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.exec(['/bin/sh', '-c', script, 'sh', ...args], options);
    if (code === 0) return stdout.trimEnd();
    throw new Error(`in the guest: exit ${String(code)} of ${script}\n${stdout}${stderr}`);
  }

  /** The end of what the guest wrote to its console since the last switch-on. */
  async console(): Promise<string> {
    const log = await readFile(join(this.#dir, 'console.log'), 'utf8').catch(() => '');
    return log.split('\n').slice(-60).join('\n');
  }

  #kernelArgs(): string[] {
    const { disk, memoryMb = DEFAULT_MEMORY_MB } = this.#options;
    return [
      `mem=${String(memoryMb)}M`,
      `ubda=${join(this.#dir, 'root.img')}`,
      ...(disk === undefined ? [] : [`ubdbr=${disk}`]),
      ...['root=/dev/ubda', 'rw', 'con=null', 'con0=null,fd:1', 'console=tty0', 'panic=1'],
      `vec0:transport=tap,ifname=${TAP},depth=128`,
      `uml_dir=${this.#dir}`,
    ];
  }

  #ended(): boolean {
    return this.#kernel === undefined || this.#kernel.exitCode !== null || this.#kernel.signalCode !== null;
  }
}

/** The guest's cable, and this end of it. */
async function ensureTap(): Promise<void> {
  const { stdout } = await runOk(run, { file: 'ip', args: ['-brief', 'link'] });
  const names = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(/[ @]/, 1)[0]);
  if (names.includes(TAP)) return;
  if (names.some((name) => name !== 'lo'))
    throw new Error('a machine needs a network of its own: put `unshare --net` before the command');
  const lines = [
    'link set lo up',
    `tuntap add dev ${TAP} mode tap`,
    `addr add ${HOST_IN_GUEST}/24 dev ${TAP}`,
    `link set ${TAP} address ${HOST_MAC} up`,
  ];
  await runOk(run, { file: 'ip', args: ['-batch', '-'], stdin: `${lines.join('\n')}\n` });
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
