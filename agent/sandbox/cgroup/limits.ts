import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import type { Limits } from '../../../shared/domain/assignment.ts';
import type { SandboxSpec } from '../port.ts';

/** The tool's own few processes (monitor, init) count too. */
export const TOOL_PIDS = 8;

/** The kernel's default: short enough that nobody sees an app pause. */
export const CPU_PERIOD_US = 100_000;

/** What a sandbox may run in one period, over all processors. */
export function cpuQuotaUs({ cpuMillis }: Limits): number {
  return (cpuMillis / 1000) * CPU_PERIOD_US;
}

/** A control group that nobody configured has the share 1. The kernel counts shares in other numbers in each version. */
const V1_SHARES_OF_ONE = 1024;
const V2_WEIGHT_OF_ONE = 100;
const V2_WEIGHT_MAX = 10_000;
/** People wait for apps. Nobody notices a build that takes a little longer. */
const SHARE: Readonly<Record<SandboxSpec['purpose'], number>> = { app: 1, build: 0.25 };
/**
 * On each processor, all sandboxes together, as a part of what one process of the machine has: agent, proxy and controller come first. With version 1 and
 * no systemd every process of the machine has a share of its own. Half of one would leave apps next to nothing beside a few busy programs.
 */
const SHARE_OF_ALL_PER_PROCESSOR = { v1: 1, v2: 0.5 } as const;

/** The share of processor time that a sandbox has when others want it as well. An idle processor is for everyone. Pure. */
export function cpuShare(purpose: SandboxSpec['purpose']): number {
  return SHARE[purpose];
}

/** The share of all sandboxes together. */
export function cpuShareOfAll(version: 'v1' | 'v2', processors = availableParallelism()): number {
  return SHARE_OF_ALL_PER_PROCESSOR[version] * processors;
}

/** For `cpu.shares` of version 1. Pure. */
export function v1CpuShares(share: number): number {
  return Math.round(share * V1_SHARES_OF_ONE);
}

/** For `cpu.weight` of version 2. Pure. */
export function v2CpuWeight(share: number): number {
  return Math.min(V2_WEIGHT_MAX, Math.round(share * V2_WEIGHT_OF_ONE));
}

const MB = 1024 * 1024;
const HOST_MEMORY_PART = 0.1;
const HOST_MEMORY_LEAST_BYTES = 128 * MB;
/** The kernel counts in pages. This is the largest page of the machines that we run on. */
const PAGE_BYTES_MAX = 65_536;

/**
 * The memory of all sandboxes together. The rest is for agent, proxy and system. When the sandboxes want more, the kernel kills one of
 * them, and never a process of the machine. Pure.
 */
export function memoryOfAllBytes(totalBytes = totalmem()): number {
  const bytes = totalBytes - Math.max(HOST_MEMORY_LEAST_BYTES, totalBytes * HOST_MEMORY_PART);
  return Math.floor(bytes / PAGE_BYTES_MAX) * PAGE_BYTES_MAX;
}

const HOST_PIDS_PART = 0.1;

/** Processes and threads of all sandboxes together. The rest of the kernel's numbers is for the machine. Pure. */
export function pidsOfAll(pidMax: number): number {
  return Math.floor(pidMax * (1 - HOST_PIDS_PART));
}

/** How many there can be on this machine. */
export function machinePidsMax(): number {
  const limits = ['pid_max', 'threads-max'].map((name) => Number(readFileSync(`/proc/sys/kernel/${name}`, 'utf8')));
  return Math.min(...limits);
}
