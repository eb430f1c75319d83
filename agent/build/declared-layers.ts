import type { DeclaredLayer } from './layers/port.ts';

const MAX_LAYERS = 8;
/** Limits the work, because each line is compared with all others. */
const MAX_LINES = 200;

/** One line of `bin/layers`: `name<TAB>path<TAB>key<TAB>shared|owned`. */
export function renderDeclaredLayer(layer: DeclaredLayer): string {
  return [layer.name, layer.path, layer.key, layer.shared ? 'shared' : 'owned'].join('\t');
}

/**
 * The valid declarations of a build: names and paths are unique, and no path is inside another one. Invalid and conflicting lines are ignored.
 * Their folders then belong to the app layer.
 */
export function parseDeclaredLayers(text: string): DeclaredLayer[] {
  const all = text.split('\n', MAX_LINES).flatMap((line) => parseLine(line) ?? []);
  const distinct = [...new Map(all.map((layer) => [renderDeclaredLayer(layer), layer])).values()];
  return distinct
    .filter((layer) => distinct.every((other) => other === layer || !conflict(layer, other)))
    .slice(0, MAX_LAYERS);
}

const LINE = /^(?<name>[a-z]{1,20})\t(?<path>[^\t]{1,200})\t(?<key>[\x20-\x7e]{1,200})\t(?<ownership>shared|owned)$/;

function parseLine(line: string): DeclaredLayer | undefined {
  const { name, path, key, ownership } = LINE.exec(line)?.groups ?? {};
  if (name === undefined || path === undefined || key === undefined) return undefined;
  return name === 'app' || !isPlainPath(path) ? undefined : { name, path, key, shared: ownership === 'shared' };
}

function isPlainPath(path: string): boolean {
  const segments = path.split('/');
  return (
    /^[A-Za-z0-9._@/+-]+$/.test(path) &&
    segments.every(
      (segment) => segment !== '' && segment !== '.' && segment !== '..' && !segment.startsWith('.slipway'),
    )
  );
}

function conflict(a: DeclaredLayer, b: DeclaredLayer): boolean {
  return a.name === b.name || a.path === b.path || a.path.startsWith(`${b.path}/`) || b.path.startsWith(`${a.path}/`);
}
