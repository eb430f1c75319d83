import type { Digest } from '../../../shared/domain/ids.ts';
import { quoteInput } from '../../../shared/domain/names.ts';
import type { Layer } from '../../../shared/domain/slug.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import type { DeclaredLayer } from './port.ts';

/** Facts about a declared folder of the finished tree. */
export interface FolderFacts {
  /** True: it is a real folder, not behind a symbolic link, and not empty. */
  readonly present: boolean;
  /** True: the build changed something in it. */
  readonly written: boolean;
}

export type LayerStep =
  | { readonly kind: 'reuse'; readonly declared: DeclaredLayer; readonly layer: Layer }
  | { readonly kind: 'squash'; readonly declared: DeclaredLayer };

export interface Cut {
  /** Declared layers, bottom first; `app` comes on top of them. */
  readonly steps: readonly LayerStep[];
  /** Folders whose content is not in the app layer. The empty folders stay in it, with their mode. */
  readonly excluded: readonly string[];
}

export interface CutFacts {
  readonly declared: readonly DeclaredLayer[];
  readonly reused: readonly { readonly declared: DeclaredLayer; readonly layer: Layer }[];
  readonly folders: ReadonlyMap<string, FolderFacts>;
  /** Digests whose image is on this machine. */
  readonly here: ReadonlySet<Digest>;
}

/**
 * Splits a tree into layers. The result depends only on the tree and the declared folders. Reuse only avoids making an image that would be
 * identical.
 */
export function planCut(facts: CutFacts): Cut {
  const cut = outermost(facts.declared).filter((layer) => facts.folders.get(layer.path)?.present === true);
  return { steps: cut.map((layer) => planStep(layer, facts)), excluded: cut.map((layer) => layer.path) };
}

function planStep(declared: DeclaredLayer, facts: CutFacts): LayerStep {
  const before = facts.reused.find((each) => sameLayer(each.declared, declared));
  const untouched = facts.folders.get(declared.path)?.written === false;
  if (before === undefined || !untouched || !facts.here.has(before.layer.digest)) return { kind: 'squash', declared };
  return { kind: 'reuse', declared, layer: { ...before.layer, name: declared.name, shared: declared.shared } };
}

export function sameLayer(a: DeclaredLayer, b: DeclaredLayer): boolean {
  return a.name === b.name && a.path === b.path && a.key === b.key;
}

/** A declared folder inside another one belongs to the outer one. */
function outermost(declared: readonly DeclaredLayer[]): readonly DeclaredLayer[] {
  return declared.filter((layer) => !declared.some((other) => layer.path.startsWith(`${other.path}/`)));
}

const NAME = /^[a-z]{1,20}$/;
const KEY = /^[\x20-\x7e]{1,200}$/;
const MAX_LAYERS = 8;

/** @throws SLIP_BUILD_LAYER */
export function checkDeclared(declared: readonly DeclaredLayer[]): void {
  if (declared.length > MAX_LAYERS)
    throw invalidLayers(`a build may declare ${MAX_LAYERS} layers, not ${declared.length}`);
  for (const { name, path, key } of declared) {
    if (!NAME.test(name) || name === 'app')
      throw invalidLayers(`${quoteInput(name)} is not a layer name (a-z, at most 20 letters, not "app")`);
    if (!isInnerPath(path)) throw invalidLayers(`${quoteInput(path)} is not a folder below /app`);
    if (!KEY.test(key))
      throw invalidLayers(`the key of ${name} has more than 200 characters, or characters that cannot be printed`);
  }
  if (new Set(declared.map((layer) => layer.name)).size < declared.length)
    throw invalidLayers('two layers have the same name');
  if (new Set(declared.map((layer) => layer.path)).size < declared.length)
    throw invalidLayers('two layers have the same folder');
}

function isInnerPath(path: string): boolean {
  if (path.length > 500 || /[\x00-\x1f\x7f]/.test(path) || !path.isWellFormed()) return false;
  return path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

function invalidLayers(why: string): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_BUILD_LAYER',
    message: `The buildpack declared an invalid layer: ${why}.`,
    hint: 'Correct the layer declarations of the buildpack. Without declarations, the whole app becomes one layer.',
    httpStatus: 422,
  });
}
