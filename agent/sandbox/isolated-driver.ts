import type { EgressTable } from '../../shared/domain/egress.ts';
import { instanceLayout } from './config.ts';
import type { RemoveSandbox, SandboxDriver } from './driver.ts';
import { raiseSharedLimits } from './host-limits.ts';
import { RootFilesystems } from './files/root-filesystems.ts';
import { shieldBase } from './files/shield.ts';
import { callAttachInside, terminateInside } from './handle.ts';
import type { IsolatedParts } from './isolated-parts.ts';
import { markKilled } from './launch.ts';
import { limitedCommand } from './limited-command.ts';
import { listenersOf } from './listeners.ts';
import { makeSandbox } from './make-sandbox.ts';
import { APP_UID } from './policy.ts';
import { adoptRunningSandboxes, netnsOwner } from './netns-owner.ts';
import type { Listener, SandboxSpec } from './port.ts';
import { isSandboxId, type SandboxRecord } from './record.ts';
import { RefillLater } from './refill-later.ts';
import { removeShared } from './remove-host.ts';
import { removeSandbox } from './remove-sandbox.ts';
import { sweepReserves, sweepSandboxes } from './sweep-sandboxes.ts';
import type { SandboxTool } from './tool.ts';

type Supervision = ReturnType<SandboxDriver['supervision']>;

/** Isolates processes with user namespace, seccomp, cgroups and their own network. LXC or nspawn is its tool. */
export class IsolatedDriver implements SandboxDriver {
  readonly kind: SandboxTool['kind'];
  readonly tool: SandboxTool;
  readonly setEgress = (table: EgressTable): Promise<void> => this.#parts.hostNetwork.setEgress(table);
  readonly #parts: IsolatedParts;
  readonly #rootFilesystems: RootFilesystems;
  readonly #refill: RefillLater;

  constructor(parts: IsolatedParts) {
    this.kind = parts.tool.kind;
    this.tool = parts.tool;
    this.#parts = parts;
    this.#rootFilesystems = new RootFilesystems(parts);
    this.#refill = new RefillLater(parts);
  }

  async ensureHost(wasSwept: boolean): Promise<void> {
    const { cgroups, hostNetwork, base, run } = this.#parts;
    await cgroups.ensureRoot();
    await raiseSharedLimits();
    if (!wasSwept) await adoptRunningSandboxes(this.#parts);
    await hostNetwork.ensure(await this.#rootFilesystems.nameservers());
    await shieldBase(base, run);
    this.#rootFilesystems.invalidate();
    await this.#rootFilesystems.ensure('host');
  }

  sweep(remove: RemoveSandbox): Promise<readonly string[]> {
    return sweepSandboxes(this.#parts, remove);
  }

  async repairHost(): Promise<void> {
    await sweepReserves(this.#parts);
    await this.#parts.namespaces.repair((netns) => netnsOwner(netns, this.#parts));
  }

  async prepare(spec: SandboxSpec): Promise<{ address: string; port: number | undefined }> {
    const { namespaces } = this.#parts;
    const lease = await namespaces.take();
    try {
      await makeSandbox(spec, lease, { ...this.#parts, rootFilesystems: this.#rootFilesystems });
    } catch (error) {
      await namespaces.release(lease.netns);
      throw error;
    }
    this.#refill.note(spec.limits);
    return { address: lease.address, port: spec.port };
  }

  supervision({ id, joinCgroup }: SandboxRecord): Supervision {
    const { cgroups, oomScoreAdjust } = this.#parts;
    return {
      processes: cgroups.processesDir(id),
      oomFile: cgroups.oomFile(id),
      joinDirs: joinCgroup ? cgroups.joinDirs(id) : [],
      oomScoreAdjust,
    };
  }

  pids(id: string): Promise<readonly number[]> {
    return this.#parts.cgroups.pids(id);
  }

  async terminate(id: string): Promise<boolean> {
    return terminateInside(await this.pids(id));
  }

  async callAttach(id: string): Promise<boolean> {
    return callAttachInside(await this.pids(id));
  }

  attachOwner({ uidBase }: SandboxRecord): number {
    return uidBase + APP_UID;
  }

  async kill(id: string): Promise<void> {
    await markKilled(instanceLayout(this.#parts.base, id));
    await this.#parts.cgroups.kill(id);
  }

  remove(id: string): Promise<void> {
    return removeSandbox(id, this.#parts);
  }

  upperDir(id: string): string {
    return instanceLayout(this.#parts.base, id).upper;
  }

  limitedCommand(id: string, argv: readonly string[]): Promise<readonly string[]> {
    return limitedCommand(this.#parts.cgroups, id, argv);
  }

  async listeners(id: string): Promise<readonly Listener[]> {
    const [pid] = await this.pids(id);
    return (pid === undefined ? [] : await listenersOf(pid)).map(({ inode: _, ...listener }) => listener);
  }

  async otherTraces(): Promise<readonly string[]> {
    return (await this.#parts.cgroups.list()).filter(isSandboxId);
  }

  stop(): void {
    this.#refill.stop();
  }

  removeHost(): Promise<void> {
    return removeShared(this.#parts);
  }
}
