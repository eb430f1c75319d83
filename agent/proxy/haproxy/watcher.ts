import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureDir, writeFileAtomic } from '../../../shared/kit/atomic-file.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { runOk, start, type Command, type Run } from '../../../shared/kit/exec.ts';
import { readPidFile } from './process-identity.ts';
import { proxyPaths, type ProxySettings } from './settings.ts';

/** The small shell process that restarts HAProxy when the agent does not run. */
export class Watcher {
  readonly #settings: ProxySettings;
  readonly #clock: Clock;
  readonly #run: Run;
  readonly #systemd: boolean;

  constructor(settings: ProxySettings, deps: { clock: Clock; run: Run; systemd: boolean }) {
    this.#settings = settings;
    this.#clock = deps.clock;
    this.#run = deps.run;
    this.#systemd = deps.systemd;
  }

  async running(): Promise<boolean> {
    return (await readPidFile(proxyPaths(this.#settings.stateDir).watcherPid)) !== undefined;
  }

  /** The master process of HAProxy, or `undefined` if there is none. */
  async masterPid(): Promise<number | undefined> {
    return (await readPidFile(proxyPaths(this.#settings.stateDir).masterPid))?.pid;
  }

  /** Starts it separately from the agent (as a systemd unit, or as a session without systemd), and waits until it runs. */
  async start(): Promise<void> {
    const { stateDir } = this.#settings;
    await ensureDir(stateDir, 0o750);
    const script = join(stateDir, 'proxy-watch.sh');
    // A copy, because sh reads its script while it runs, and an upgrade must not change it.
    await writeFileAtomic(script, await readFile(join(import.meta.dirname, 'proxy-watch.sh')), 0o755);
    const command = watchCommand(script, this.#settings);
    if (this.#systemd) {
      // A watcher without its files still holds the unit name, and its HAProxy holds the port.
      await this.#run({ file: 'systemctl', args: ['stop', `${unitName(stateDir)}.service`], timeoutMs: 30_000 });
      await runOk(this.#run, unitCommand(command, stateDir));
    } else {
      const child = start(command, 'ignore', true);
      child.unref();
      await once(child, 'spawn');
    }
    const deadline = this.#clock.monotonicMs() + this.#settings.startTimeoutMs;
    while (!(await this.running()) && this.#clock.monotonicMs() < deadline) await this.#clock.sleep(5);
  }

  /** Ends HAProxy, logger and watcher. Resolves when they have ended. */
  async stop(): Promise<void> {
    const paths = proxyPaths(this.#settings.stateDir);
    const watcher = await readPidFile(paths.watcherPid);
    if (watcher !== undefined) await this.#end(paths.watcherPid, watcher.pid, 10_000);
    // A killed watcher may have left these files.
    for (const file of [paths.masterPid, paths.loggerPid]) {
      const left = await readPidFile(file);
      if (left !== undefined) await this.#end(file, left.pid, 5000);
    }
  }

  async #end(pidFile: string, pid: number, graceMs: number): Promise<void> {
    const deadline = this.#clock.monotonicMs() + graceMs;
    send(pid, 'SIGTERM');
    while ((await readPidFile(pidFile))?.pid === pid) {
      if (this.#clock.monotonicMs() > deadline) send(pid, 'SIGKILL');
      await this.#clock.sleep(20);
    }
  }
}

export function watchCommand(script: string, settings: ProxySettings): Command {
  const { stateDir, haproxy, logFiles, logFileBytes } = settings;
  return { file: '/bin/sh', args: [script, stateDir, haproxy, String(logFiles), String(logFileBytes)], cwd: '/' };
}

function unitName(stateDir: string): string {
  return `slipway-proxy-${createHash('sha256').update(stateDir).digest('hex').slice(0, 8)}`;
}

/** As a transient unit, so that it continues when the unit of the agent stops or is upgraded. */
export function unitCommand(command: Command, stateDir: string): Command {
  return {
    file: 'systemd-run',
    args: [
      '--quiet',
      '--collect',
      `--unit=${unitName(stateDir)}`,
      '--slice=slipway.slice',
      '--description=Slipway reverse proxy',
      '--property=KillMode=process',
      '--property=Restart=on-failure',
      '--property=RestartSec=200ms',
      '--property=LimitNOFILE=65536',
      // every app on the node depends on it
      '--property=OOMScoreAdjust=-500',
      '--',
      command.file,
      ...command.args,
    ],
  };
}

/** Sends a signal to a process whose identity was just checked. It may have ended in the meantime. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}
