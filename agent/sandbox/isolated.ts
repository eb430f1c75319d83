import { rm } from 'node:fs/promises';
import type { EgressTable } from '../../shared/domain/egress.ts';
import { DEFAULT_ENV } from '../../shared/kit/exec.ts';
import { exitsDir, instanceLayout, type InstanceLayout } from './config.ts';
import { ExitWatch } from './exit-watch.ts';
import { raiseSharedLimits } from './host-limits.ts';
import { RootFilesystems } from './files/root-filesystems.ts';
import { shieldBase } from './files/shield.ts';
import { terminateInside } from './handle.ts';
import { KeyedLock } from './keyed-lock.ts';
import type { IsolatedParts } from './isolated-parts.ts';
import { launch, markKilled, untilHeard } from './launch.ts';
import { listenersOf } from './listeners.ts';
import { observe } from './observe.ts';
import { adoptRunningSandboxes, netnsOwner } from './netns-owner.ts';
import { OutputPipes } from './output-pipe.ts';
import type { Listener, Sandbox, SandboxSpec, SandboxStatus } from './port.ts';
import { makeSandbox } from './make-sandbox.ts';
import { RefillLater } from './refill-later.ts';
import { isSandboxId, loadRecord, sandboxIds, tracesOf, type SandboxRecord } from './record.ts';
import { removeShared } from './remove-host.ts';
import { removeSandbox } from './remove-sandbox.ts';
import { sandboxEnded, sandboxNotFound } from './sandbox-errors.ts';
import { sweepReserves, sweepSandboxes } from './sweep-sandboxes.ts';
import { limitedCommand } from './limited-command.ts';

/** Processes behind user namespace, seccomp, cgroups and a network of their own; which tool builds the walls is a part. */
export class IsolatedSandbox implements Sandbox {
  readonly kind: 'lxc' | 'nspawn';
  readonly #parts: IsolatedParts;
  readonly #locks = new KeyedLock();
  readonly #outputs = new OutputPipes();
  readonly #exits: ExitWatch;
  readonly #onOutput = new Map<string, (chunk: Uint8Array) => void>();
  readonly #rootFilesystems: RootFilesystems;
  readonly #refill: RefillLater;
  #swept: Promise<void> | undefined;
  readonly #failedRemovals = new Set<string>(); // of an earlier agent; their removal has failed so far

  constructor(parts: IsolatedParts) {
    this.kind = parts.tool.kind;
    this.#parts = parts;
    this.#rootFilesystems = new RootFilesystems(parts);
    this.#refill = new RefillLater(parts);
    this.#exits = new ExitWatch(exitsDir(parts.base), (id) => this.#outputs.settled(id));
  }

  async ensureHost(): Promise<void> {
    const { cgroups, hostNetwork } = this.#parts;
    await cgroups.ensureRoot();
    await raiseSharedLimits();
    if (this.#swept === undefined) await adoptRunningSandboxes(this.#parts);
    await hostNetwork.ensure(await this.#rootFilesystems.nameservers());
    await shieldBase(this.#parts.base, this.#parts.run);
    this.#rootFilesystems.invalidate();
    await this.#rootFilesystems.ensure('host');
    await this.#exits.ensureDir();
    const failedRemovals = [...this.#failedRemovals];
    await this.#sweepOnce();
    await sweepReserves(this.#parts);
    await this.#parts.namespaces.repair((netns) => netnsOwner(netns, this.#parts));
    const tried = await Promise.allSettled(
      failedRemovals.map((id) => this.destroy(id).then(() => this.#failedRemovals.delete(id))),
    );
    for (const result of tried) if (result.status === 'rejected') throw result.reason;
  }

  setEgress(table: EgressTable): Promise<void> {
    return this.#parts.hostNetwork.setEgress(table);
  }

  prepare(spec: SandboxSpec): Promise<SandboxStatus> {
    return this.#locks.run(spec.id, async () => {
      const found = await this.#observe(spec.id);
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
      const found = await this.#observe(id);
      const record = await loadRecord(this.#layout(id).record);
      if (found === undefined || record === undefined) throw sandboxNotFound(id);
      if (found.phase === 'running') return found;
      if (found.phase === 'exited') throw sandboxEnded(id);
      await this.#start(record);
      return (await this.#observe(id)) ?? found;
    });
  }

  inspect(id: string): Promise<SandboxStatus | undefined> {
    return this.#observe(id);
  }

  async signal(id: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { cgroups, clock } = this.#parts;
    if (signal === 'SIGKILL') {
      await markKilled(this.#layout(id));
      return cgroups.kill(id);
    }
    const isOver = async (): Promise<boolean> => (await this.#observe(id))?.phase !== 'running';
    await untilHeard(clock, async () => terminateInside(await cgroups.pids(id)), isOver);
  }

  destroy(id: string): Promise<void> {
    return this.#locks.run(id, () => this.#remove(id));
  }

  async forget(id: string): Promise<void> {
    await this.destroy(id);
    await rm(this.#layout(id).log, { recursive: true, force: true });
  }

  async list(): Promise<readonly SandboxStatus[]> {
    const found = await Promise.all((await sandboxIds(this.#parts.base)).map((id) => this.#observe(id)));
    return found.filter((status) => status !== undefined);
  }

  async traces(): Promise<readonly string[]> {
    const groups = (await this.#parts.cgroups.list()).filter(isSandboxId);
    return [...new Set([...groups, ...(await tracesOf(this.#parts.base))])];
  }

  appDir(id: string): string {
    return this.#layout(id).app;
  }

  upperDir(id: string): string {
    return this.#layout(id).upper;
  }

  logDir(id: string): string {
    return this.#layout(id).log;
  }

  onExit(listener: (id: string) => void): () => void {
    return this.#exits.add(listener);
  }

  limitedCommand(id: string, argv: readonly string[]): Promise<readonly string[]> {
    return limitedCommand(this.#parts.cgroups, id, argv);
  }

  async listeners(id: string): Promise<readonly Listener[]> {
    const [pid] = await this.#parts.cgroups.pids(id);
    return (pid === undefined ? [] : await listenersOf(pid)).map(({ inode: _, ...listener }) => listener);
  }

  /** Takes away everything on this machine that is not a log: sandboxes, pools, bridge, rules. This driver is of no use afterwards. */
  async removeHost(): Promise<void> {
    this.#refill.stop();
    for (const id of await sandboxIds(this.#parts.base)) await this.destroy(id);
    await removeShared(this.#parts);
  }

  #layout(id: string): InstanceLayout {
    return instanceLayout(this.#parts.base, id);
  }

  #observe(id: string): Promise<SandboxStatus | undefined> {
    const { bootId, cgroups, clock } = this.#parts;
    return observe(this.#layout(id), {
      bootId,
      clock,
      pids: (each) => cgroups.pids(each),
      outputOpen: (each) => this.#outputs.isOpen(each),
    });
  }

  async #sweepOnce(): Promise<void> {
    this.#swept ??= this.#sweep();
    try {
      await this.#swept;
    } catch (error) {
      this.#swept = undefined; // the next check of the host tries again
      throw error;
    }
  }

  /** Once per start of the agent. ensureHost tries the failed removals again and reports their failure, and sweeps the reserves again. */
  async #sweep(): Promise<void> {
    for (const id of await sweepSandboxes(this.#parts, (one) => this.#remove(one))) this.#failedRemovals.add(id);
  }

  async #remove(id: string): Promise<void> {
    this.#onOutput.delete(id);
    await removeSandbox(id, this.#parts);
  }

  async #prepare(spec: SandboxSpec): Promise<SandboxStatus> {
    const { namespaces } = this.#parts;
    const lease = await namespaces.take();
    try {
      await makeSandbox(spec, lease, { ...this.#parts, rootFilesystems: this.#rootFilesystems });
    } catch (error) {
      await namespaces.release(lease.netns);
      throw error;
    }
    if (spec.onOutput !== undefined) this.#onOutput.set(spec.id, spec.onOutput);
    this.#refill.note(spec.limits);
    const { id, purpose, app, uidBase, port } = spec;
    return { id, purpose, app, uidBase, port, phase: 'prepared', address: lease.address };
  }

  async #start(record: SandboxRecord): Promise<void> {
    const { cgroups, supervisor, clock, tool } = this.#parts;
    const layout = this.#layout(record.id);
    const supervised = {
      id: record.id,
      runDir: layout.run,
      exitFile: layout.exitFile,
      logDir: layout.log,
      logBytesMax: record.logBytesMax,
      processes: cgroups.processesDir(record.id),
      oomFile: cgroups.oomFile(record.id),
      joinDirs: record.joinCgroup ? cgroups.joinDirs(record.id) : [],
      oomScoreAdjust: this.#parts.oomScoreAdjust,
      argv: record.argv,
      env: DEFAULT_ENV,
    };
    await launch(
      { supervisor, outputs: this.#outputs, clock, tool },
      { layout, supervised, onOutput: this.#onOutput.get(record.id) },
    );
  }
}
