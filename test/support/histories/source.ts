import type { Tree } from '../build-bench.ts';
import type { Random } from '../random.ts';
import type { Edit } from './history.ts';

/** A file with its mode, a symbolic link, or a file of mode 644. */
export type Entry = Tree[string] & (string | object);

export interface Project {
  files: Record<string, Entry>;
  /** Config variables of the app. */
  config: Record<string, string>;
  /** Files that a buildpack writes which runs before. */
  early: Record<string, Entry>;
}

type FileEdit = Edit<Project>;

/** Sets a file or removes it (undefined). What is in its way is removed: a file becomes a folder and the other way round. */
export function setFile(kind: string, name: string, contents: readonly (Entry | undefined)[]): FileEdit {
  return { kind, apply: ({ files }, random) => putEntry(files, name, pickValue(contents, random)) };
}

export function setEarly(kind: string, name: string, contents: readonly (Entry | undefined)[]): FileEdit {
  return { kind, apply: ({ early }, random) => putEntry(early, name, pickValue(contents, random)) };
}

export function setConfig(kind: string, name: string, values: readonly (string | undefined)[]): FileEdit {
  return { kind, apply: ({ config }, random) => putValue(config, name, pickValue(values, random)) };
}

export function putValue(target: Record<string, unknown>, name: string, value: unknown): void {
  if (value === undefined) Reflect.deleteProperty(target, name);
  else target[name] = value;
}

export function pickValue<T>(values: readonly (T | undefined)[], random: Random): T | undefined {
  return values[random.between(0, values.length - 1)];
}

function putEntry(files: Record<string, Entry>, name: string, entry: Entry | undefined): void {
  const instancesToStop = Object.keys(files).filter(
    (path) => path.startsWith(`${name}/`) || name.startsWith(`${path}/`),
  );
  if (entry !== undefined) for (const path of instancesToStop) Reflect.deleteProperty(files, path);
  putValue(files, name, entry);
}
