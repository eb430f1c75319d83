import { rm } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../shared/kit/clock.ts';
import { DEFAULT_ENV } from '../../shared/kit/exec.ts';
import { acceptAttach } from './attach-socket.ts';
import { exitsDir, instanceLayout, type InstanceLayout } from './config.ts';
import type { SandboxDriver } from './driver.ts';
import { ExitWatch } from './exit-watch.ts';
import { KeyedQueue } from '../../shared/kit/keyed-queue.ts';
import { launch, untilDelivered } from './launch.ts';
import { observe } from './observe.ts';
import { OutputPipes } from './output-pipe.ts';
import type { Listener, Sandbox, SandboxSpec, SandboxStatus } from './port.ts';
import { loadRecord, sandboxIds, tracesOf, type SandboxRecord } from './record.ts';
import { sandboxEnded, sandboxNotFound } from './sandbox-errors.ts';
import type { Supervisor } from './supervisor/port.ts';

export interface SupervisedParts {
  /** Folder of all files of the sandboxes. */
  readonly base: string;
  readonly bootId: string;
  readonly supervisor: Supervisor;
  readonly clock: Clock;
}

/** The life cycle of sandboxes whose process runs under a supervisor and survives the agent. */
export class SupervisedSandbox implements Sandbox {
  readonly kind: SandboxDriver['kind'];
  readonly setEgress?: NonNullable<SandboxDriver['setEgress']>;
  readonly #driver: SandboxDriver;
  readonly #parts: SupervisedParts;
  readonly #locks = new KeyedQueue();
  /** One socket of a sandbox at a time. */
  readonly #attachTurns = new KeyedQueue();
  readonly #outputs = new OutputPipes();
  readonly #exits: ExitWatch;
  readonly #onOutput = new Map<string, (chunk: Uint8Array) => void>();
  /** Sandboxes of an earlier agent whose removal has failed so far. */
  readonly #failedRemovals = new Set<string>();
  #swept: Promise<void> | undefined;

  constructor(driver: SandboxDriver, parts: SupervisedParts) {
    this.kind = driver.kind;
    if (driver.setEgress !== undefined) this.setEgress = driver.setEgress;
    this.#driver = driver;
    this.#parts = parts;
    this.#exits = new ExitWatch(exitsDir(parts.base), (id) => this.#outputs.settled(id));
  }

  async ensureHost(): Promise<void> {
    await this.#driver.ensureHost(this.#swept !== undefined);
    await this.#exits.ensureDir();
    const failedBefore = [...this.#failedRemovals];
    await this.#sweepOnce();
    await this.#driver.repairHost();
    const retries = await Promise.allSettled(
      failedBefore.map((id) => this.destroy(id).then(() => this.#failedRemovals.delete(id))),
    );
    for (const retry of retries) if (retry.status === 'rejected') throw retry.reason;
  }

  prepare(spec: SandboxSpec): Promise<SandboxStatus> {
    return this.#locks.enqueue(spec.id, async () => {
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
    return this.#locks.enqueue(id, async () => {
      const found = await this.inspect(id);
      const record = await loadRecord(this.#layout(id).record);
      if (found === undefined || record === undefined) throw sandboxNotFound(id);
      if (found.phase === 'running') return found;
      if (found.phase === 'exited') throw sandboxEnded(id);
      await this.#start(record);
      return (await this.inspect(id)) ?? found;
    });
  }

  inspect(id: string): Promise<SandboxStatus | undefined> {
    const { bootId, clock } = this.#parts;
    return observe(this.#layout(id), {
      bootId,
      clock,
      pids: (each) => this.#driver.pids(each),
      outputOpen: (each) => this.#outputs.isOpen(each),
    });
  }

  async signal(id: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (signal === 'SIGKILL') return this.#driver.kill(id);
    const isOver = async (): Promise<boolean> => (await this.inspect(id))?.phase !== 'running';
    await untilDelivered(this.#parts.clock, () => this.#driver.terminate(id), isOver);
  }

  destroy(id: string): Promise<void> {
    return this.#locks.enqueue(id, () => this.#remove(id));
  }

  async forget(id: string): Promise<void> {
    await this.destroy(id);
    await rm(this.logDir(id), { recursive: true, force: true });
  }

  async list(): Promise<readonly SandboxStatus[]> {
    const found = await Promise.all((await sandboxIds(this.#parts.base)).map((id) => this.inspect(id)));
    return found.filter((status) => status !== undefined);
  }

  async traces(): Promise<readonly string[]> {
    return [...new Set([...(await this.#driver.otherTraces()), ...(await tracesOf(this.#parts.base))])];
  }

  appDir(id: string): string {
    return this.#layout(id).app;
  }

  upperDir(id: string): string {
    return this.#driver.upperDir(id);
  }

  logDir(id: string): string {
    return this.#layout(id).log;
  }

  onExit(listener: (id: string) => void): () => void {
    return this.#exits.add(listener);
  }

  limitedCommand(id: string, argv: readonly string[]): Promise<readonly string[]> {
    return this.#driver.limitedCommand(id, argv);
  }

  async attach(id: string, waits = false): Promise<Duplex> {
    const layout = this.#layout(id);
    const record = await loadRecord(layout.record);
    const found = await this.inspect(id);
    if (record === undefined || found?.phase !== 'running') throw sandboxNotFound(id);
    const call = (): Promise<boolean> => (waits ? Promise.resolve(true) : this.#driver.callAttach(id));
    const place = { path: layout.attach, owner: this.#driver.attachOwner(record), call };
    return await this.#attachTurns.enqueue(id, () => acceptAttach(place, this.#parts.clock));
  }

  listeners(id: string): Promise<readonly Listener[]> {
    return this.#driver.listeners(id);
  }

  /** Removes everything except the logs from this machine. The object cannot be used afterwards. */
  async removeHost(): Promise<void> {
    this.#driver.stop();
    for (const id of await sandboxIds(this.#parts.base)) await this.destroy(id);
    await this.#driver.removeHost();
  }

  #layout(id: string): InstanceLayout {
    return instanceLayout(this.#parts.base, id);
  }

  /** Once per start of the agent. A failed sweep is repeated by the next {@link ensureHost}. */
  async #sweepOnce(): Promise<void> {
    this.#swept ??= this.#sweep();
    try {
      await this.#swept;
    } catch (error) {
      this.#swept = undefined;
      throw error;
    }
  }

  async #sweep(): Promise<void> {
    for (const id of await this.#driver.sweep((each) => this.#remove(each))) this.#failedRemovals.add(id);
  }

  async #prepare(spec: SandboxSpec): Promise<SandboxStatus> {
    const { address, port } = await this.#driver.prepare(spec);
    if (spec.onOutput !== undefined) this.#onOutput.set(spec.id, spec.onOutput);
    const { id, purpose, app, uidBase } = spec;
    return { id, purpose, app, uidBase, port, phase: 'prepared', address };
  }

  async #start(record: SandboxRecord): Promise<void> {
    const { supervisor, clock } = this.#parts;
    const layout = this.#layout(record.id);
    const supervised = {
      id: record.id,
      runDir: layout.run,
      exitFile: layout.exitFile,
      logDir: layout.log,
      logBytesMax: record.logBytesMax,
      ...this.#driver.supervision(record),
      argv: record.argv,
      env: DEFAULT_ENV,
    };
    await launch(
      { supervisor, outputs: this.#outputs, clock, tool: this.#driver.tool },
      { layout, supervised, onOutput: this.#onOutput.get(record.id) },
    );
  }

  async #remove(id: string): Promise<void> {
    this.#onOutput.delete(id);
    await this.#driver.remove(id);
  }
}
