import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { Clock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';
import type { Run } from '../../shared/kit/exec.ts';
import type { Logger } from '../../shared/kit/log.ts';
import type { RandomId } from '../../shared/kit/random-id.ts';
import { detectCgroups } from './cgroup/detect.ts';
import { checkSandboxConfig, sandboxBase, type SandboxConfig } from './config.ts';
import { FakeSandbox } from './fake/driver.ts';
import { Disks } from './files/disks.ts';
import { currentBootId } from './handle.ts';
import { IsolatedDriver } from './isolated-driver.ts';
import { lxcTool } from './lxc/tool.ts';
import { reachableBase } from './files/reachable.ts';
import { HostNetwork } from './network/host.ts';
import { Namespaces } from './network/namespaces.ts';
import { nspawnTool } from './nspawn/tool.ts';
import { ownOomScoreAdjust } from './oom-score.ts';
import type { Sandbox } from './port.ts';
import { ProcessDriver } from './process/driver.ts';
import { installScripts } from './scripts.ts';
import { SupervisedSandbox } from './supervised-sandbox.ts';
import { createDetachedSupervisor } from './supervisor/detached.ts';
import type { Supervisor } from './supervisor/port.ts';
import { createSystemdSupervisor } from './supervisor/systemd.ts';
import type { SandboxTool } from './tool.ts';

export interface SandboxDeps {
  readonly run: Run;
  readonly clock: Clock;
  readonly log: Logger;
  readonly randomId: RandomId;
}

/** A sandbox that can also take itself off the machine. */
export interface RemovableSandbox extends Sandbox {
  /** Kills and removes every sandbox and all that they share on this machine. Logs stay. */
  removeHost(): Promise<void>;
}

/**
 * The driver of this kind, ready for `ensureHost`. What it keeps is below `<stateDir>/sandbox`.
 * @throws SLIP_SANDBOX_CONFIG, SLIP_SANDBOX_CGROUP
 */
export async function createSandbox(
  kind: Sandbox['kind'],
  config: SandboxConfig,
  deps: SandboxDeps,
): Promise<RemovableSandbox> {
  checkSandboxConfig(config);
  switch (kind) {
    case 'lxc':
      return createIsolated(lxcTool, config, deps);
    case 'nspawn':
      return createIsolated(nspawnTool, config, deps);
    case 'process':
      return createProcess(config, deps);
    case 'fake':
      return new FakeSandbox({ clock: deps.clock, dir: sandboxBase(config.stateDir) });
  }
}

async function createIsolated(tool: SandboxTool, config: SandboxConfig, deps: SandboxDeps): Promise<RemovableSandbox> {
  const base = await reachableBase(config, deps.run);
  const cgroups = await detectCgroups(config.name, deps.clock);
  if (cgroups === undefined) throw noCgroups();
  const scriptsDir = await installScripts(import.meta.dirname, base);
  const hostNetwork = new HostNetwork(config, deps.run);
  const parts = {
    tool,
    config,
    base,
    scriptsDir,
    bootId: await currentBootId(),
    cgroups,
    oomScoreAdjust: await ownOomScoreAdjust(),
    supervisor: supervisorOf(config, scriptsDir, deps.run),
    disks: new Disks({ base, scriptsDir, poolSize: config.poolSize }, deps),
    namespaces: new Namespaces(hostNetwork.names, config.poolSize, deps),
    hostNetwork,
    ...deps,
  };
  return new SupervisedSandbox(new IsolatedDriver(parts), parts);
}

async function createProcess(config: SandboxConfig, deps: SandboxDeps): Promise<RemovableSandbox> {
  const base = sandboxBase(config.stateDir);
  await mkdir(base, { recursive: true });
  const scriptsDir = await installScripts(import.meta.dirname, base);
  const { run, clock } = deps;
  const parts = {
    config,
    base,
    scriptsDir,
    bootId: await currentBootId(),
    supervisor: createDetachedSupervisor(scriptsDir),
    run,
    clock,
  };
  return new SupervisedSandbox(new ProcessDriver(parts), parts);
}

function supervisorOf(config: SandboxConfig, scriptsDir: string, run: Run): Supervisor {
  const systemd =
    config.supervisor === 'systemd' || (config.supervisor === 'auto' && existsSync('/run/systemd/system'));
  return systemd ? createSystemdSupervisor(scriptsDir, config.name, run) : createDetachedSupervisor(scriptsDir);
}

function noCgroups(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_SANDBOX_CGROUP',
    message:
      'This machine cannot limit memory and process counts: no cgroup hierarchy with memory and pids is mounted.',
    hint: 'Boot with cgroups enabled, or use --sandbox process for development.',
  });
}
