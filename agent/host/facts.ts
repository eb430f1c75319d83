import { constants } from 'node:fs';
import { access, readFile, statfs } from 'node:fs/promises';
import { availableParallelism, freemem, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { NodeFacts } from '../../shared/domain/node-facts.ts';

/** Facts that only the composition root knows. */
export type OwnFacts = Omit<NodeFacts, keyof Awaited<ReturnType<typeof readSystem>> | 'machine'>;

/** Reads the facts of this node in about a millisecond. */
export async function collectFacts(stateDir: string, own: OwnFacts): Promise<NodeFacts> {
  return { ...own, ...(await readSystem(stateDir)) };
}

async function readSystem(stateDir: string) {
  return {
    os: await osRelease(),
    kernel: release(),
    arch: process.arch,
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    ...(await diskSpace(stateDir)),
  };
}

export interface HeartbeatFacts {
  readonly diskFreeBytes: number;
  readonly load1: number;
  readonly memoryFreeBytes: number;
}

export async function collectHeartbeat(stateDir: string): Promise<HeartbeatFacts> {
  const { diskFreeBytes } = await diskSpace(stateDir);
  return { diskFreeBytes, load1: loadavg()[0] ?? 0, memoryFreeBytes: freemem() };
}

/** `ID-VERSION_ID`, e.g. `debian-12`; `linux` when the file does not exist. */
export async function osRelease(path = '/etc/os-release'): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const value = (name: string): string => new RegExp(`^${name}=["']?([a-z0-9._-]*)`, 'm').exec(text)?.[1] ?? '';
  return [value('ID') || 'linux', value('VERSION_ID')].filter((part) => part !== '').join('-');
}

/** A program that the agent needs for a part of its work. */
export interface NeededProgram {
  readonly program: string;
  /** For example `haproxy is missing: apps get no traffic; install it with: apt-get install haproxy`. */
  readonly message: string;
}

/** The messages of the programs that are in none of these folders. */
export async function findMissing(
  needed: readonly NeededProgram[],
  folders: readonly string[],
): Promise<readonly string[]> {
  const found = await Promise.all(needed.map(({ program }) => isProgram(program, folders)));
  return needed.filter((_, index) => found[index] !== true).map(({ message }) => message);
}

async function isProgram(program: string, folders: readonly string[]): Promise<boolean> {
  const paths = folders.map((folder) => join(folder, program));
  const executable = paths.map((path) =>
    access(path, constants.X_OK).then(
      () => true,
      () => false,
    ),
  );
  return (await Promise.all(executable)).includes(true);
}

async function diskSpace(path: string): Promise<{ diskBytes: number; diskFreeBytes: number }> {
  const { bsize, blocks, bavail } = await statfs(path);
  return { diskBytes: bsize * blocks, diskFreeBytes: bsize * bavail };
}
