import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import type { Limits } from '../../../shared/domain/assignment.ts';
import type { SandboxSpec } from '../port.ts';

/** For the processes of the tool (monitor, init), which count too. */
export const TOOL_PIDS = 8;

/** The default of the kernel. It is so short that users do not notice a pause. */
export const CPU_PERIOD_US = 100_000;

/** Processor time of a sandbox in one period, over all processors. */
export function cpuQuotaUs({ cpuMillis }: Limits): number {
  return (cpuMillis / 1000) * CPU_PERIOD_US;
}

/** A control group with the kernel's default has the share 1. Each version of the kernel's interface uses other numbers for it. */
const V1_SHARES_OF_ONE = 1024;
const V2_WEIGHT_OF_ONE = 100;
const V2_WEIGHT_MAX = 10_000;
/** Users wait for answers of apps. A build may take a little longer. */
const SHARE: Readonly<Record<SandboxSpec['purpose'], number>> = { app: 1, command: 1, build: 0.25 };
/**
 * For each processor: the share of all sandboxes together. One control group of the machine has 1, so agent, proxy and controller come first. With
 * version 1 and no systemd every process of the machine has its own share. There a half would leave apps almost nothing beside a few busy programs.
 */
const SHARE_OF_ALL_PER_PROCESSOR = { v1: 1, v2: 0.5 } as const;

/** The share of a sandbox when others need processor time as well. Every sandbox may use idle processors in full. Pure. */
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

/**
 * Weights of disk access when the disk is busy. A group of the machine has 100. Both versions of the kernel's interface use these numbers. They have an
 * effect where the disk's scheduler is BFQ or, with version 2, where iocost is on.
 */
const IO_WEIGHT: Readonly<Record<SandboxSpec['purpose'], number>> = { app: 100, command: 100, build: 25 };
/** All sandboxes together have less than agent, proxy and controller. */
export const IO_WEIGHT_OF_ALL = 50;

export function ioWeight(purpose: SandboxSpec['purpose']): number {
  return IO_WEIGHT[purpose];
}

const MB = 1024 * 1024;
const HOST_MEMORY_PART = 0.1;
const HOST_MEMORY_LEAST_BYTES = 128 * MB;
/** The kernel counts in pages. This is the largest page of the machines that we run on. */
const PAGE_BYTES_MAX = 65_536;

/**
 * The memory of all sandboxes together. The rest is for agent, proxy and system. When the sandboxes need more, the kernel kills a process of
 * a sandbox, and no other process of the machine. Pure.
 */
export function memoryOfAllBytes(totalBytes = totalmem()): number {
  const bytes = totalBytes - Math.max(HOST_MEMORY_LEAST_BYTES, totalBytes * HOST_MEMORY_PART);
  return Math.floor(bytes / PAGE_BYTES_MAX) * PAGE_BYTES_MAX;
}

const HOST_PIDS_PART = 0.1;

/** Processes and threads of all sandboxes together. The rest is for the machine. Pure. */
export function pidsOfAll(pidMax: number): number {
  return Math.floor(pidMax * (1 - HOST_PIDS_PART));
}

/** Most processes and threads of this machine. */
export function machinePidsMax(): number {
  const limits = ['pid_max', 'threads-max'].map((name) => Number(readFileSync(`/proc/sys/kernel/${name}`, 'utf8')));
  return Math.min(...limits);
}
