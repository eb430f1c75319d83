/** Strings, brackets, separators, and numbers or words. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** No value that is named in a message is deeper. So the work for each token has a limit. */
const DEPTH_MAX = 10;

interface Level {
  readonly isList: boolean;
  key: string;
  index: number;
}

/**
 * Where a value stands in a text that is valid JSON. Pure. @param path keys and positions joined by points, e.g. `env.A.value`
 * @returns undefined when the text has no such value; the nearest value around it counts
 */
export function jsonPlace(text: string, path: string): { readonly line: number; readonly column: number } | undefined {
  const offsets = offsetsOf(text, path);
  for (let at = path; ; at = at.slice(0, at.lastIndexOf('.'))) {
    const offset = offsets.get(at);
    if (offset !== undefined) return placeOf(text, offset);
    if (!at.includes('.')) return undefined;
  }
}

/** The offset of the value at the path, and of each value around it. */
function offsetsOf(text: string, wanted: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const walk = new Walk();
  for (const { 0: token, index: offset } of text.matchAll(TOKEN)) {
    const path = walk.take(token);
    if (path !== undefined && `${wanted}.`.startsWith(`${path}.`)) found.set(path, offset);
  }
  return found;
}

/** Follows the tokens of a valid text. */
class Walk {
  readonly #levels: Level[] = [];
  #isKey = false;

  /** Returns the path of the value that begins with this token. Undefined for other tokens, and for values that are too deep. */
  take(token: string): string | undefined {
    if (/^[:,}\]]$/.test(token)) {
      this.#separate(token);
      return undefined;
    }
    const level = this.#levels.at(-1);
    if (!this.#isKey || level === undefined) return this.#beginValue(token);
    level.key = String(JSON.parse(token));
    return undefined;
  }

  #separate(token: string): void {
    if (token === '}' || token === ']') this.#levels.pop();
    const level = this.#levels.at(-1);
    this.#isKey = token === ',' && level?.isList === false;
    if (token === ',' && level !== undefined) level.index += 1;
  }

  #beginValue(token: string): string | undefined {
    const path = this.#levels.length > DEPTH_MAX ? undefined : this.#path();
    if (token === '{' || token === '[') this.#levels.push({ isList: token === '[', key: '', index: 0 });
    this.#isKey = token === '{';
    return path;
  }

  #path(): string {
    return this.#levels.map(({ isList, key, index }) => (isList ? String(index) : key)).join('.');
  }
}

function placeOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
