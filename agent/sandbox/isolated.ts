import { mkdir, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import type { EgressTable } from '../../shared/domain/egress.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { DEFAULT_ENV, type Run } from '../../shared/kit/exec.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { Cgroups } from './cgroup/port.ts';
import { exitsDir, instanceLayout, sandboxesDir, type InstanceLayout, type SandboxConfig } from './config.ts';
import { ExitWatch } from './exit-watch.ts';
import { raiseSharedLimits } from './host-limits.ts';
import type { Disks } from './files/disks.ts';
import { unmountBelow } from './files/mounts.ts';
import { Roots } from './files/roots.ts';
import { shieldBase } from './files/shield.ts';
import { terminateInside } from './handle.ts';
import { KeyedLock } from './keyed-lock.ts';
import { endSandbox, launch, markKilled, untilHeard } from './launch.ts';
import { listenersOf } from './listeners.ts';
import type { HostNetwork } from './network/host.ts';
import type { Namespaces, NetworkLease } from './network/namespaces.ts';
import { observe } from './observe.ts';
import { adoptTenants, occupantOf } from './occupant.ts';
import { OutputPipes } from './output-pipe.ts';
import type { Listener, Sandbox, SandboxSpec, SandboxStatus } from './port.ts';
import { discardExit, prepareFiles, writeToolFiles } from './prepare.ts';
import { RefillLater } from './refill-later.ts';
import { removeShared } from './remove-host.ts';
import { loadRecord, loadWholeRecords, recordOf, sandboxIds, saveRecord, type SandboxRecord } from './record.ts';
import { sandboxEnded, sandboxNotFound } from './sandbox-errors.ts';
import type { Supervisor } from './supervisor/port.ts';
import type { SandboxTool } from './tool.ts';
import { killHelpers, withinLimits } from './within-limits.ts';

export interface IsolatedParts {
  readonly tool: SandboxTool;
  readonly config: SandboxConfig;
  /** Folder of everything here, passable for the apps' users. */
  readonly base: string;
  readonly scriptsDir: string;
  readonly bootId: string;
  readonly cgroups: Cgroups;
  /** Of the processes in a sandbox. */
  readonly oomScoreAdjust: number;
  readonly supervisor: Supervisor;
  readonly disks: Disks;
  readonly namespaces: Namespaces;
  readonly hostNetwork: HostNetwork;
  readonly run: Run;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Processes behind user namespace, seccomp, cgroups and a network of their own; which tool builds the walls is a part. */
export class IsolatedSandbox implements Sandbox {
  readonly kind: 'lxc' | 'nspawn';
  readonly #parts: IsolatedParts;
  readonly #locks = new KeyedLock();
  readonly #outputs = new OutputPipes();
  readonly #exits: ExitWatch;
  readonly #onOutput = new Map<string, (chunk: Uint8Array) => void>();
  readonly #roots: Roots;
  readonly #refill: RefillLater;
  #swept: Promise<void> | undefined;
  readonly #stubborn = new Set<string>(); // of an earlier agent; their removal has failed so far

  constructor(parts: IsolatedParts) {
    this.kind = parts.tool.kind;
    this.#parts = parts;
    this.#roots = new Roots(parts);
    this.#refill = new RefillLater(parts);
    this.#exits = new ExitWatch(exitsDir(parts.base), (id) => this.#outputs.settled(id));
  }

  async ensureHost(): Promise<void> {
    const { cgroups, hostNetwork } = this.#parts;
    await cgroups.ensureRoot();
    await raiseSharedLimits();
    if (this.#swept === undefined) await adoptTenants(this.#parts);
    await hostNetwork.ensure(await this.#roots.nameservers());
    await shieldBase(this.#parts.base, this.#parts.run);
    this.#roots.forget();
    await this.#roots.of('host');
    await this.#exits.ensureDir();
    const stubborn = [...this.#stubborn];
    await (this.#swept ??= this.#sweep());
    await this.#parts.namespaces.repair((netns) => occupantOf(netns, this.#parts));
    const tried = await Promise.allSettled(stubborn.map((id) => this.destroy(id).then(() => this.#stubborn.delete(id))));
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

  withinLimits(id: string, argv: readonly string[]): Promise<readonly string[]> {
    return withinLimits(this.#parts.cgroups, id, argv);
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
    return observe(this.#layout(id), { bootId, clock, pids: (of) => cgroups.pids(of), outputOpen: (of) => this.#outputs.isOpen(of) });
  }

  /** Once per life of the agent: what an earlier one left half-made goes, what runs is found again. */
  async #sweep(): Promise<void> {
    const { base, disks, namespaces, cgroups, bootId, log } = this.#parts;
    await mkdir(sandboxesDir(base), { recursive: true, mode: 0o711 });
    const whole = await loadWholeRecords(base, bootId);
    await namespaces.adopt(new Set(whole.filter((record) => record.bootId === bootId).map((record) => record.netns ?? '')));
    const keep = new Set(whole.map((record) => record.id));
    const known = new Set([...(await sandboxIds(base)), ...(await cgroups.list())]);
    for (const id of known) {
      if (keep.has(id)) continue;
      log.info({ id }, 'half-made or lost sandbox removed');
      await this.#remove(id).catch(() => this.#stubborn.add(id)); // tried again by ensureHost, which reports the failure
    }
    await disks.sweep();
    void namespaces.refill();
  }

  async #prepare(spec: SandboxSpec): Promise<SandboxStatus> {
    const { namespaces } = this.#parts;
    const lease = await namespaces.take();
    try {
      await this.#fill(spec, lease);
    } catch (error) {
      await namespaces.release(lease.netns);
      throw error;
    }
    if (spec.onOutput !== undefined) this.#onOutput.set(spec.id, spec.onOutput);
    this.#refill.note(spec.limits);
    return { id: spec.id, purpose: spec.purpose, app: spec.app, phase: 'prepared', address: lease.address, port: spec.port };
  }

  /** The record comes last: a folder without one is half-made, and the next agent removes it. */
  async #fill(spec: SandboxSpec, lease: NetworkLease): Promise<void> {
    const { disks, namespaces, hostNetwork, cgroups, tool, run, base, scriptsDir, oomScoreAdjust } = this.#parts;
    const layout = this.#layout(spec.id);
    const [rootFiles] = await Promise.all([
      this.#roots.of(spec.stack),
      disks.take(spec.limits, layout.dir),
      cgroups.create(spec.id, { limits: spec.limits, purpose: spec.purpose, withApp: !tool.managesCgroup }),
      spec.egress ? hostNetwork.admit(spec.id, lease.address, spec.app) : namespaces.closeEgress(lease),
      discardExit(layout),
    ]);
    const parts = { netns: `/run/netns/${lease.netns}`, address: lease.address, ownTerminals: !tool.limitsTerminals };
    const policy = await prepareFiles({ spec, layout, rootFiles, base, scriptsDir, oomScoreAdjust, ...parts }, run);
    const plan = tool.render(policy, {
      runDir: layout.run,
      secretsDir: layout.secrets,
      scriptsDir,
      cgroup: cgroups.path(spec.id),
      cgroupVersion: cgroups.version,
      oomFile: cgroups.oomFile(spec.id),
    });
    await writeToolFiles(plan.files);
    const { bootId, clock } = this.#parts;
    const made = { bootId, preparedAtMs: clock.nowMs(), argv: plan.argv, joinCgroup: !tool.managesCgroup };
    await saveRecord(layout.record, recordOf(spec, lease, made));
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
    await launch({ supervisor, outputs: this.#outputs, clock, tool }, { layout, supervised, onOutput: this.#onOutput.get(record.id) });
  }

  /** Idempotent, and safe on anything half-made. Mounts go before files: nothing is ever deleted through a mount. */
  async #remove(id: string): Promise<void> {
    const { cgroups, namespaces, hostNetwork, supervisor, tool, run, clock } = this.#parts;
    const layout = this.#layout(id);
    const record = await loadRecord(layout.record);
    this.#onOutput.delete(id);
    if (record !== undefined && record.bootId !== this.#parts.bootId) await rm(layout.pidFile, { force: true }); // now somebody else's number
    await endSandbox(layout, { clock, killProcesses: () => cgroups.kill(id), killTool: () => cgroups.killAll(id) });
    await killHelpers(cgroups, id, clock);
    if (existsSync(layout.dir)) {
      await supervisor.forget(id);
      await unmountBelow(layout.dir, run);
    }
    await hostNetwork.dismiss(id);
    if (record?.netns !== undefined && record.bootId === this.#parts.bootId) await namespaces.release(record.netns);
    await cgroups.remove(id);
    await rm(layout.exitFile, { force: true });
    for (const path of tool.leftovers(id, layout.dir)) await rm(path, { recursive: true, force: true });
    await rm(layout.dir, { recursive: true, force: true });
  }
}
