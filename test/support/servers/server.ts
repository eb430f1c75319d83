import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, runOk, start, type CommandResult } from '../../../shared/kit/exec.ts';
import { eventually } from '../eventually.ts';
import { firstProcess, killGroup, removeGroup } from './groups.ts';
import type { ServerNetwork } from './network.ts';

export interface ServerFacts {
  /** As in `hostname`. */
  readonly name: string;
  /** Name of its control group and of its port at the switch. At most 12 characters. */
  readonly id: string;
  readonly address: string;
  /** Folder with everything that it writes. */
  readonly dir: string;
  /** Lower trees of the overlay, the uppermost first. */
  readonly lowers: readonly string[];
  readonly network: ServerNetwork;
}

export interface ExecOptions {
  readonly stdin?: string | undefined;
  readonly timeoutMs?: number | undefined;
}

/** Limits for commands that hang, not for a slow machine. */
const BOOT_LIMIT_MS = 240_000;
const EXEC_LIMIT_MS = 240_000;

/** One Debian server: systemd as its first process, an address at a switch, its own disk. It can lose its power. */
export class Server {
  readonly name: string;
  readonly address: string;
  readonly #facts: ServerFacts;
  #machine: ReturnType<typeof start> | undefined;
  #first: number | undefined;
  #switchedOnAtMs = 0;

  constructor(facts: ServerFacts) {
    this.#facts = facts;
    this.name = facts.name;
    this.address = facts.address;
  }

  /** Its disk. Reading is possible at any time, writing only while the server is off. */
  get root(): string {
    return join(this.#facts.dir, 'root');
  }

  /** Makes its disk. */
  async install(): Promise<void> {
    const { dir, lowers } = this.#facts;
    for (const name of ['root', 'upper', 'work']) await mkdir(join(dir, name), { recursive: true });
    const options = `lowerdir=${lowers.join(':')},upperdir=${join(dir, 'upper')},workdir=${join(dir, 'work')}`;
    await runOk(run, { file: 'mount', args: ['-t', 'overlay', 'overlay', '-o', options, this.root] });
    await writeFile(join(this.root, 'etc/hostname'), `${this.name}\n`);
    await writeFile(join(this.root, 'etc/hosts'), `127.0.0.1 localhost\n127.0.1.1 ${this.name}\n`);
    await writeFile(join(this.root, 'etc/resolv.conf'), `nameserver ${this.#facts.network.hostAddress}\n`);
    await mkdir(join(this.root, 'etc/systemd/network'), { recursive: true });
    await writeFile(join(this.root, 'etc/systemd/network/10-uplink.network'), uplink(this.#facts));
  }

  /** Boots the server. Resolves when it has an address and accepts commands. Its services may still be starting. */
  async boot(): Promise<void> {
    const { id, dir, network } = this.#facts;
    const log = openSync(join(dir, 'console.log'), 'a');
    const nspawn = [
      ...[
        '--quiet',
        '--boot',
        '--register=no',
        '--keep-unit',
        '--capability=all',
        '--resolv-conf=off',
        '--timezone=off',
        '--link-journal=no',
      ],
      ...[
        '--console=pipe',
        `--machine=${id}`,
        `--hostname=${this.name}`,
        `--network-bridge=${network.bridge}`,
        `--directory=${this.root}`,
      ],
    ];
    const boot = { file: '/bin/sh', args: [join(import.meta.dirname, 'boot.sh'), id, ...nspawn], cwd: '/' };
    this.#switchedOnAtMs = performance.now();
    this.#machine = start(boot, ['ignore', log, log], true);
    closeSync(log);
    this.#first = await eventually(`${this.name} has booted`, () => this.#bootedProcess(), BOOT_LIMIT_MS);
  }

  async #bootedProcess(): Promise<number | undefined> {
    if (this.#machine !== undefined && hasEnded(this.#machine))
      throw new Error(`${this.name} ended\n${await this.console()}`);
    const pid = await firstProcess(this.#facts.id);
    if (pid === undefined) return undefined;
    const look = [
      '/bin/sh',
      '-c',
      'systemctl is-active --quiet dbus.socket && ip -4 -o addr show host0 | grep -q inet',
    ];
    const answer = await run(this.#enter(pid, look, { timeoutMs: 20_000 })).catch(() => undefined);
    return answer?.code === 0 ? pid : undefined;
  }

  /** Ms since the last boot began. */
  get upMs(): number {
    return performance.now() - this.#switchedOnAtMs;
  }

  get isOn(): boolean {
    return this.#machine !== undefined && !hasEnded(this.#machine);
  }

  /** Resolves when all units have started. Fails when a unit has failed. */
  async untilStarted(): Promise<void> {
    const { stdout } = await this.exec(['systemctl', 'is-system-running', '--wait']);
    assert.equal(stdout.trim(), 'running', (await this.exec(['systemctl', '--failed', '--no-legend'])).stdout);
  }

  /** Runs a program in the server as root, whatever its exit code. */
  exec(argv: readonly string[], options: ExecOptions = {}): Promise<CommandResult> {
    assert.ok(this.#first !== undefined, `${this.name} is off`);
    return run(this.#enter(this.#first, argv, options));
  }

  /** Runs a shell script in the server and returns its output. Fails with its error output. */
  async sh(script: string, args: readonly string[] = [], options: ExecOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.exec(['/bin/sh', '-c', script, 'sh', ...args], options);
    assert.equal(code, 0, `on ${this.name}: ${script}\n${stdout}${stderr}`);
    return stdout.trim();
  }

  #enter(
    pid: number,
    argv: readonly string[],
    { stdin, timeoutMs = EXEC_LIMIT_MS }: ExecOptions,
  ): Parameters<typeof run>[0] {
    const args = [join(import.meta.dirname, 'enter.sh'), this.#facts.id, String(pid), ...argv];
    return { file: '/bin/sh', args, cwd: '/', stdin, timeoutMs };
  }

  /** Reboots: units stop first. Resolves like `boot`. */
  async reboot(): Promise<void> {
    await this.exec(['systemctl', 'reboot']);
    await this.#untilOff();
    await this.boot();
  }

  async shutDown(): Promise<void> {
    await this.exec(['systemctl', 'poweroff']);
    await this.#untilOff();
  }

  /** Cuts the power. */
  async kill(): Promise<void> {
    await killGroup(this.#facts.id);
    await this.#untilOff();
  }

  async #untilOff(): Promise<void> {
    if (this.#machine !== undefined && !hasEnded(this.#machine))
      await once(this.#machine, 'exit', { signal: AbortSignal.timeout(BOOT_LIMIT_MS) });
    await killGroup(this.#facts.id);
    await removeGroup(this.#facts.id);
    this.#machine = undefined;
    this.#first = undefined;
  }

  /** Of the switch. */
  get port(): string {
    return `vb-${this.#facts.id}`;
  }

  /** Disconnects it until `heal`. Its link stays up. */
  partition(): Promise<void> {
    return this.#facts.network.cut(this.port);
  }

  heal(): Promise<void> {
    return this.#facts.network.mend(this.port);
  }

  async journal(unit: string, lines = 60): Promise<string> {
    return (
      await this.exec([
        'journalctl',
        '--no-pager',
        '--output=short-precise',
        `--unit=${unit}`,
        `--lines=${String(lines)}`,
      ])
    ).stdout;
  }

  console(): Promise<string> {
    return readFile(join(this.#facts.dir, 'console.log'), 'utf8').catch(() => '');
  }

  /** Removes it from the host, in any state. */
  async dispose(): Promise<void> {
    await this.kill();
    await this.heal();
    await run({ file: 'umount', args: ['-l', this.root] });
    await rm(this.#facts.dir, { recursive: true, force: true });
  }
}

function uplink({ address, network }: ServerFacts): string {
  return `[Match]
Name=host0
[Network]
Address=${address}/24
Gateway=${network.hostAddress}
LinkLocalAddressing=no
IPv6AcceptRA=no
`;
}

function hasEnded(child: ReturnType<typeof start>): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
