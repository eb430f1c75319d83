/**
 * The time from a key to its echo in `slipway run bash`, over the whole way: CLI, controller, agent, sandbox. Next to it, the same in a
 * bash over `ssh` on the same machine.
 *
 *   node bench/keystrokes.ts [--keys 200] [--sshd /usr/sbin/sshd]
 *
 * Runs as root. Starts an sshd (Debian package openssh-server) on a free port of loopback, with keys and settings in a temporary folder.
 * The keys go to both in turn. Prints a table and, as the last line, JSON.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rmdir, writeFile } from 'node:fs/promises';
import { cpus, release, userInfo } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DEFAULT_ENV, run, runOk, start } from '../shared/kit/exec.ts';
import { eventually } from '../test/support/eventually.ts';
import { PRODUCT_DIR, TestFleet } from '../test/support/fleet.ts';
import { helloApp } from '../test/support/fleet-user.ts';
import { freePorts } from '../test/support/free-ports.ts';
import { quantile } from '../test/support/spread.ts';

const TERMINAL = join(PRODUCT_DIR, 'test/support/cli-terminal.py');
/** All keys fit into one line. */
const COLUMNS = '1000';
const RUN_DIR = '/run/sshd';

type Env = Readonly<Record<string, string>>;

interface Shell {
  /** Sends one key. @returns the ms until the terminal shows it */
  press(key: string): Promise<number>;
  close(): Promise<void>;
}

/** Starts a program that gives a bash on a terminal. Resolves at its prompt. */
async function openShell(program: readonly string[], env: Env): Promise<Shell> {
  const args = [TERMINAL, '24', COLUMNS, ...program];
  const child = start({ file: 'python3', args, env }, ['pipe', 'pipe', 'inherit']);
  let screen = '';
  let look = (): void => undefined;
  child.stdout?.on('data', (chunk: Buffer) => {
    screen += chunk.toString();
    look();
  });
  const ended = once(child, 'close').then(() => {
    throw new Error(`${program[0] ?? ''} ended: ${screen}`);
  });
  ended.catch(() => undefined);
  const shown = async (text: RegExp): Promise<void> => {
    const seen = new Promise<void>((resolve) => {
      look = () => {
        if (text.test(screen)) resolve();
      };
      look();
    });
    await Promise.race([seen, ended]);
    screen = '';
  };
  await shown(/[$#] /);
  return {
    press: async (key) => {
      const sentAtMs = performance.now();
      child.stdin?.write(key);
      await shown(new RegExp(key));
      return performance.now() - sentAtMs;
    },
    close: async () => {
      child.stdin?.end('\u0015exit\r');
      await ended.catch(() => undefined);
    },
  };
}

interface SshServer {
  /** Gives a bash on this machine. */
  readonly command: readonly string[];
  stop(): Promise<void>;
}

async function startSshd(file: string, dir: string): Promise<SshServer> {
  if (!existsSync(file)) throw new Error(`There is no ${file}. Install it with: apt-get install openssh-server`);
  const [port = 0] = await freePorts(1);
  const [hostKey, settings] = [join(dir, 'ssh-host-key'), join(dir, 'sshd_config')];
  await runOk(run, { file: 'ssh-keygen', args: ['-q', '-t', 'ed25519', '-N', '', '-f', hostKey] });
  await copyFile(join(dir, 'key-me.pub'), join(dir, 'authorized_keys'));
  const lines = [
    ...[`Port ${String(port)}`, 'ListenAddress 127.0.0.1', `HostKey ${hostKey}`, 'PidFile none', 'StrictModes no'],
    ...[`AuthorizedKeysFile ${join(dir, 'authorized_keys')}`, 'PermitRootLogin prohibit-password', 'UsePAM no'],
  ];
  await writeFile(settings, `${lines.join('\n')}\n`);
  // Debian makes this folder when its unit starts.
  const madeDir = await mkdir(RUN_DIR, { recursive: true, mode: 0o755 });
  const child = start({ file, args: ['-D', '-e', '-f', settings], env: DEFAULT_ENV }, ['ignore', 'inherit', 'ignore']);
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'IdentitiesOnly=yes', 'LogLevel=ERROR'];
  const ssh = [...['ssh', '-i', join(dir, 'key-me'), '-p', String(port)], ...options.flatMap((text) => ['-o', text])];
  const address = `${userInfo().username}@127.0.0.1`;
  const answers = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`${file} ended with ${String(child.exitCode)}`);
    return (await run({ file: 'ssh', args: [...ssh.slice(1), address, 'true'], env: DEFAULT_ENV })).code === 0;
  };
  await eventually('sshd answers', answers);
  return {
    command: [...ssh, '-tt', address, 'bash --norc --noprofile'],
    stop: async () => {
      const gone = once(child, 'exit');
      if (child.exitCode === null && child.kill()) await gone;
      if (madeDir !== undefined) await rmdir(RUN_DIR);
    },
  };
}

async function measure(shells: Readonly<Record<string, Shell>>, keys: number): Promise<Record<string, number[]>> {
  const times: Record<string, number[]> = {};
  for (let index = 0; index < keys; index += 1) {
    const key = String.fromCharCode('a'.charCodeAt(0) + (index % 26));
    for (const [name, shell] of Object.entries(shells)) (times[name] ??= []).push(await shell.press(key));
  }
  return times;
}

function report(times: Readonly<Record<string, readonly number[]>>): void {
  const at = (name: string, share: number): number => quantile(times[name] ?? [], share);
  const rows = Object.entries(times).map(([name, all]) => {
    const cell = (share: number): number => Number(at(name, share).toFixed(2));
    return { name, keys: all.length, medianMs: cell(0.5), p99Ms: cell(0.99), maxMs: cell(1) };
  });
  console.table(rows);
  const ratio = (share: number): number => Number((at('slipway run', share) / at('ssh', share)).toFixed(1));
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, kernel: release(), node: process.version };
  console.log(JSON.stringify({ bench: 'keystrokes', machine, rows, ratioMedian: ratio(0.5), ratioP99: ratio(0.99) }));
}

const { values } = parseArgs({
  options: { keys: { type: 'string', default: '200' }, sshd: { type: 'string', default: '/usr/sbin/sshd' } },
});
const fleet = await TestFleet.start({ sandbox: 'lxc', controller: { rollout: { settleMs: 200, bakeMs: 200 } } });
let sshd: SshServer | undefined;
try {
  sshd = await startSshd(values.sshd, fleet.dir);
  const pushed = await (await fleet.me.repository('keys', helloApp('1'))).push('keys');
  if (!pushed.ok) throw new Error(pushed.text);
  const path = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', TERM: 'xterm' };
  const env = { ...path, SLIPWAY_CONFIG: join(fleet.dir, 'cli.json') };
  const slipway = await openShell([join(PRODUCT_DIR, 'bin/slipway'), 'run', '-a', 'keys', 'bash'], env);
  const ssh = await openShell(sshd.command, path);
  report(await measure({ 'slipway run': slipway, ssh }, Number(values.keys)));
  await Promise.all([slipway.close(), ssh.close()]);
} finally {
  await sshd?.stop();
  await fleet.stop();
}
