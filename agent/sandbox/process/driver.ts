import { mkdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../../shared/kit/clock.ts';
import { DEFAULT_ENV, runOk, type Run } from '../../../shared/kit/exec.ts';
import { removeTree } from '../../../shared/kit/remove-tree.ts';
import { exitsDir, instanceLayout, sandboxesDir, type InstanceLayout, type SandboxConfig } from '../config.ts';
import { exportsFile } from '../environment.ts';
import { ExitWatch } from '../exit-watch.ts';
import { KeyedLock } from '../keyed-lock.ts';
import { endSandbox, launch, markStopping, untilHeard } from '../launch.ts';
import { observe } from '../observe.ts';
import { OutputPipes } from '../output-pipe.ts';
import { INSIDE_DIR } from '../policy.ts';
import type { Listener, Sandbox, SandboxSpec, SandboxStatus } from '../port.ts';
import { loadRecord, loadRecords, loadWholeRecords, sandboxIds, saveRecord, tracesOf } from '../record.ts';
import { sandboxEnded, sandboxNotFound } from '../sandbox-errors.ts';
import type { Supervisor } from '../supervisor/port.ts';
import { killMarked, listenersOfPids, mark, markedPids, signalPid } from './marked-processes.ts';
import { freePort } from './ports.ts';
import { translateAll, translatePath, type PathTable } from './translate.ts';

export interface ProcessParts {
  readonly config: SandboxConfig;
  readonly base: string;
  readonly scriptsDir: string;
  readonly bootId: string;
  readonly supervisor: Supervisor;
  readonly run: Run;
  readonly clock: Clock;
}

const PORT_LOCK = 'port';

/** Plain processes for development without root: nothing is isolated and nothing limited, but all else is as with the others. */
export class ProcessSandbox implements Sandbox {
  readonly kind = 'process';
  readonly #parts: ProcessParts;
  readonly #locks = new KeyedLock();
  readonly #outputs = new OutputPipes();
  readonly #exits: ExitWatch;
  readonly #onOutput = new Map<string, (chunk: Uint8Array) => void>();
  #swept: Promise<void> | undefined;

  constructor(parts: ProcessParts) {
    this.#parts = parts;
    this.#exits = new ExitWatch(exitsDir(parts.base), (id) => this.#outputs.settled(id));
  }

  async ensureHost(): Promise<void> {
    await mkdir(sandboxesDir(this.#parts.base), { recursive: true, mode: 0o700 });
    await this.#exits.ensureDir();
    this.#swept ??= this.#sweep();
    await this.#swept;
  }

  /** Once per life of the agent: what an earlier one left half-made and what a reboot ended goes. */
  async #sweep(): Promise<void> {
    const { base, bootId } = this.#parts;
    const keep = new Set((await loadWholeRecords(base, bootId)).map((record) => record.id));
    // A tree that cannot be removed takes room, but must not stop the start.
    for (const id of await sandboxIds(base)) if (!keep.has(id)) await this.#remove(id).catch(() => undefined);
  }

  prepare(spec: SandboxSpec): Promise<SandboxStatus> {
    return this.#locks.run(spec.id, async () => {
      const found = await this.inspect(spec.id);
      if (found?.phase === 'running') return found;
      await this.#remove(spec.id);
      try {
        return await this.#prepare(spec);
      } catch (error) {
        await this.#remove(spec.id);
        throw error;
      }
    });
  }

  start(id: string): Promise<SandboxStatus> {
    return this.#locks.run(id, async () => {
      const found = await this.inspect(id);
      if (found === undefined) throw sandboxNotFound(id);
      if (found.phase === 'running') return found;
      if (found.phase === 'exited') throw sandboxEnded(id);
      await this.#start(id);
      return (await this.inspect(id)) ?? found;
    });
  }

  inspect(id: string): Promise<SandboxStatus | undefined> {
    const { bootId, clock } = this.#parts;
    return observe(this.#layout(id), {
      bootId,
      clock,
      pids: markedPids,
      outputOpen: (each) => this.#outputs.isOpen(each),
    });
  }

  async signal(id: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (signal === 'SIGKILL') return killMarked(id, this.#parts.clock);
    await markStopping(this.#layout(id));
    const say = async (): Promise<boolean> => {
      const pids = await markedPids(id);
      for (const pid of pids) signalPid(pid, signal);
      return pids.length > 0;
    };
    await untilHeard(this.#parts.clock, say, async () => (await this.inspect(id))?.phase !== 'running');
  }

  destroy(id: string): Promise<void> {
    return this.#locks.run(id, () => this.#remove(id));
  }

  async forget(id: string): Promise<void> {
    await this.destroy(id);
    await rm(this.logDir(id), { recursive: true, force: true });
  }

  async list(): Promise<readonly SandboxStatus[]> {
    const found = await Promise.all((await sandboxIds(this.#parts.base)).map((id) => this.inspect(id)));
    return found.filter((status) => status !== undefined);
  }

  traces(): Promise<readonly string[]> {
    return tracesOf(this.#parts.base);
  }

  appDir(id: string): string {
    return this.#layout(id).app;
  }

  /** There is no overlay: the whole tree is what the processes may have written. */
  upperDir(id: string): string {
    return this.#layout(id).app;
  }

  logDir(id: string): string {
    return this.#layout(id).log;
  }

  onExit(listener: (id: string) => void): () => void {
    return this.#exits.add(listener);
  }

  async limitedCommand(_id: string, argv: readonly string[]): Promise<readonly string[]> {
    return argv;
  }

  async listeners(id: string): Promise<readonly Listener[]> {
    return listenersOfPids(await markedPids(id));
  }

  async removeHost(): Promise<void> {
    for (const id of await sandboxIds(this.#parts.base)) await this.destroy(id);
  }

  #layout(id: string): InstanceLayout {
    return instanceLayout(this.#parts.base, id);
  }

  async #prepare(spec: SandboxSpec): Promise<SandboxStatus> {
    const { bootId, clock } = this.#parts;
    const layout = this.#layout(spec.id);
    await this.#makeFolders(spec, layout);
    const table = this.#paths(spec, layout);
    // ports are given one at a time: the record is what marks one as taken
    const port = await this.#locks.run(PORT_LOCK, async () => {
      const given = spec.port === undefined ? undefined : await this.#port();
      const exports = join(layout.secrets, 'env');
      const start = ['/bin/sh', join(this.#parts.scriptsDir, 'start.sh'), exports, layout.app];
      const argv = [
        '/usr/bin/env',
        mark(spec.id),
        ...start,
        ...spec.argv.map((argument) => translatePath(argument, table)),
      ];
      const env = { ...translateAll(spec.env, table), ...(given === undefined ? {} : { PORT: String(given) }) };
      await writeFile(exports, exportsFile(env), { mode: 0o600 });
      const { id, purpose, app, uidBase, logBytesMax } = spec;
      const fixed = {
        version: 1 as const,
        bootId,
        address: '127.0.0.1',
        preparedAtMs: clock.nowMs(),
        joinCgroup: false,
      };
      await saveRecord(layout.record, { ...fixed, id, purpose, app, uidBase, logBytesMax, port: given, argv });
      return given;
    });
    if (spec.onOutput !== undefined) this.#onOutput.set(spec.id, spec.onOutput);
    const { id, purpose, app, uidBase } = spec;
    return { id, purpose, app, uidBase, phase: 'prepared', address: '127.0.0.1', port };
  }

  async #makeFolders(spec: SandboxSpec, layout: InstanceLayout): Promise<void> {
    const { run } = this.#parts;
    for (const dir of [layout.app, layout.run, layout.secrets]) await mkdir(dir, { recursive: true, mode: 0o700 });
    await mkdir(layout.log, { recursive: true, mode: 0o700 });
    await runOk(run, { file: 'mkfifo', args: ['-m', '0600', '--', layout.output] });
    for (const lower of spec.lowerDirs) {
      const how = (await this.#mayLink(spec, lower)) ? '--link' : '--reflink=auto';
      await runOk(run, { file: 'cp', args: ['-a', how, '--no-preserve=ownership', '--', `${lower}/.`, layout.app] });
    }
    for (const [source, target] of Object.entries({ ...spec.readOnlyBinds, ...spec.writableBinds })) {
      if (!target.startsWith('/app/')) continue;
      const place = join(layout.app, target.slice('/app/'.length));
      await mkdir(dirname(place), { recursive: true });
      await symlink(source, place);
    }
  }

  /** Nobody writes to the files of a shared layer (they are read-only), and to replace one in /app leaves the layer's alone. */
  async #mayLink(spec: SandboxSpec, lower: string): Promise<boolean> {
    if (spec.sharedLowerDirs?.has(lower) !== true) return false;
    const [there, here] = await Promise.all([stat(lower), stat(this.#parts.base)]);
    return there.dev === here.dev;
  }

  #paths(spec: SandboxSpec, layout: InstanceLayout): PathTable {
    const binds = Object.entries({ ...spec.readOnlyBinds, ...spec.writableBinds }).map(([source, target]) => [
      target,
      source,
    ]);
    return {
      '/app': layout.app,
      [`${INSIDE_DIR}/bin`]: this.#parts.scriptsDir,
      ...Object.fromEntries(binds),
    } as PathTable;
  }

  async #port(): Promise<number> {
    const taken = (await loadRecords(this.#parts.base))
      .map((record) => record.port)
      .filter((port) => port !== undefined);
    return freePort(this.#parts.config.processPorts, new Set(taken));
  }

  async #start(id: string): Promise<void> {
    const layout = this.#layout(id);
    const record = await loadRecord(layout.record);
    if (record === undefined) throw sandboxNotFound(id);
    const { supervisor, clock } = this.#parts;
    const supervised = {
      id,
      runDir: layout.run,
      exitFile: layout.exitFile,
      logDir: layout.log,
      logBytesMax: record.logBytesMax,
      processes: `env:${mark(id)}`,
      oomFile: '',
      joinDirs: [],
      oomScoreAdjust: 0,
      argv: record.argv,
      env: DEFAULT_ENV,
    };
    await launch(
      { supervisor, outputs: this.#outputs, clock },
      { layout, supervised, onOutput: this.#onOutput.get(id) },
    );
  }

  async #remove(id: string): Promise<void> {
    const layout = this.#layout(id);
    this.#onOutput.delete(id);
    const { bootId, clock } = this.#parts;
    const record = await loadRecord(layout.record);
    if (record !== undefined && record.bootId !== bootId) await rm(layout.pidFile, { force: true }); // now somebody else's number
    await endSandbox(layout, { clock, killProcesses: () => killMarked(id, clock), killTool: () => Promise.resolve() });
    await rm(layout.exitFile, { force: true });
    await removeTree(layout.dir, this.#parts.run); // /app is in it, written by the app
  }
}
