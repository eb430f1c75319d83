import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../../shared/kit/errors.ts';
import { parseDeclaredLayers } from './declared-layers.ts';
import type { InsideFailure } from './failures.ts';
import type { DeclaredLayer } from './layers/port.ts';

const MAX_LIST_BYTES = 64 * 1024;
/** One byte more than the parsers accept, so that they can report "too large". */
const MAX_MANIFEST_BYTES = 1024 * 1024 + 1;

/**
 * Reads a file of a folder that untrusted code can write, while we are root: never a symlink, device or pipe, and never more than `maxBytes`.
 * `undefined` if there is no such file.
 */
export async function readUntrusted(folder: string, name: string, maxBytes: number): Promise<Buffer | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
  const file = await open(join(folder, name), flags).catch((error: unknown) => {
    if (['ENOENT', 'ELOOP', 'ENXIO', 'ENOTDIR'].some((code) => isErrno(error, code))) return undefined;
    throw error;
  });
  if (file === undefined) return undefined;
  try {
    const facts = await file.stat();
    if (!facts.isFile()) return undefined;
    const buffer = Buffer.alloc(Math.min(facts.size, maxBytes));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The report of the script in the sandbox. */
export interface BuildReport {
  readonly isFinished: boolean;
  readonly failure: InsideFailure | undefined;
  /** Display names, in order. */
  readonly buildpacks: readonly string[];
  readonly declared: readonly DeclaredLayer[];
  readonly kept: readonly DeclaredLayer[];
  /** Wall clock of each step's start, ms, in order. */
  readonly steps: readonly BuildStep[];
  /** A folder with an index.html in the built app. */
  readonly site: string | undefined;
}

export interface BuildStep {
  readonly name: string;
  readonly atMs: number;
}

export async function readBuildReport(folder: string): Promise<BuildReport> {
  const text = async (name: string): Promise<string> =>
    (await readUntrusted(folder, name, MAX_LIST_BYTES))?.toString('utf8') ?? '';
  const names = ['failure', 'buildpacks', 'layers', 'kept', 'steps', 'site'];
  const [failure, buildpacks, declared, kept, steps, site] = await Promise.all(names.map(text));
  const [kind = '', ...details] = (failure ?? '').split('\n');
  return {
    isFinished: (await readUntrusted(folder, 'finished', 1)) !== undefined,
    failure: kind === '' ? undefined : { kind, details },
    buildpacks: (buildpacks ?? '').split('\n').filter((name) => name !== ''),
    declared: parseDeclaredLayers(declared ?? ''),
    kept: parseDeclaredLayers(kept ?? ''),
    steps: parseSteps(steps ?? ''),
    site: /^[a-z_]{1,20}$/.test(site ?? '') ? site : undefined,
  };
}

function parseSteps(text: string): BuildStep[] {
  return text.split('\n').flatMap((line) => {
    const [at = '', name] = line.split('\t');
    const atMs = Number(at.replace(',', '.')) * 1000;
    return name !== undefined && Number.isFinite(atMs) ? [{ name: name.slice(0, 200), atMs }] : [];
  });
}

/** A manifest in the version that the build left. */
export function readManifest(
  folder: string,
  name: 'Procfile' | 'app.json' | 'release.yml',
): Promise<Buffer | undefined> {
  return readUntrusted(folder, name, MAX_MANIFEST_BYTES);
}

/** Duration of unpack, detect and compile in ms, by the clock of the steps. */
export function stepTimings(steps: readonly BuildStep[]): Record<string, number> {
  const at = (test: (name: string) => boolean): number | undefined => steps.find((step) => test(step.name))?.atMs;
  const marks: readonly (readonly [string, number | undefined])[] = [
    ['unpack', at((name) => name === 'unpack')],
    ['detect', at((name) => name === 'select')],
    ['compile', at((name) => name.startsWith('bin/'))],
    ['', at((name) => name === 'done')],
  ];
  return Object.fromEntries(
    marks.slice(0, -1).flatMap(([name, startMs], index) => {
      const endMs = marks[index + 1]?.[1];
      return startMs === undefined || endMs === undefined ? [] : [[name, Math.max(0, Math.round(endMs - startMs))]];
    }),
  );
}
