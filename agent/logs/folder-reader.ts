import { CHUNK_BYTES, inodeOf, openFile, readAt, rotatedFiles, type Place } from './log-folder.ts';

/** Lines in their order, or a gap: some lines were rotated away before they could be read. */
export type Followed = { readonly kind: 'lines'; readonly lines: readonly Buffer[] } | { readonly kind: 'gap' };

const NEWLINE = 0x0a;
const PIECE_BYTES = 256 * 1024;

/** `moved`: it read something, perhaps less than a whole line. */
export interface Step {
  readonly moved: boolean;
  readonly followed: readonly Followed[];
}

const AT_END: Step = { moved: false, followed: [] };

/** Reads new lines of a folder after a place, across rotations. Without a place it starts with the oldest file. */
export class FolderReader {
  readonly #dir: string;
  readonly #splitter = new LineSplitter();
  #place: Place | undefined;

  constructor(dir: string, from: Place | undefined) {
    this.#dir = dir;
    this.#place = from;
  }

  /** False until the folder has a file. */
  get isOpen(): boolean {
    return this.#place !== undefined;
  }

  /** One chunk, or the change to the next file. */
  async step(): Promise<Step> {
    const place = this.#place ?? (await openOldest(this.#dir));
    this.#place = place;
    if (place === undefined) return AT_END;
    const chunk = await readAt(place.handle, place.offset, CHUNK_BYTES);
    if (chunk.length === 0) return this.#nextFile(place);
    this.#place = { ...place, offset: place.offset + chunk.length };
    return { moved: true, followed: asFollowed(this.#splitter.push(chunk)) };
  }

  async close(): Promise<void> {
    await this.#place?.handle.close();
  }

  async #nextFile(place: Place): Promise<Step> {
    const next = await nextFile(this.#dir, place);
    if (next.kind === 'none') return AT_END;
    // Lines between the last read and the rotation.
    const lines = [...this.#splitter.push(await readRest(place)), ...this.#splitter.flush()];
    await place.handle.close();
    this.#place = next.place;
    return { moved: true, followed: next.gap ? [...asFollowed(lines), { kind: 'gap' }] : asFollowed(lines) };
  }
}

function asFollowed(lines: readonly Buffer[]): Followed[] {
  return lines.length === 0 ? [] : [{ kind: 'lines', lines }];
}

async function openOldest(dir: string): Promise<Place | undefined> {
  for (const name of [...(await rotatedFiles(dir)), 'current']) {
    const place = await openFile(dir, name);
    if (place !== undefined) return place;
  }
  return undefined;
}

type NextFile = { readonly kind: 'none' } | { readonly kind: 'file'; readonly place: Place; readonly gap: boolean };

/** The file after this one; `none` while this one is the current file. */
async function nextFile(dir: string, place: Place): Promise<NextFile> {
  if ((await inodeOf(dir, 'current')) === place.inode) return { kind: 'none' };
  const names = await rotatedFiles(dir);
  let after = -1;
  for (const [index, name] of names.entries()) if ((await inodeOf(dir, name)) === place.inode) after = index;
  for (const name of names.slice(after + 1)) {
    const next = await openFile(dir, name);
    if (next !== undefined) return { kind: 'file', place: next, gap: after < 0 };
  }
  const current = await openFile(dir, 'current');
  if (current === undefined) return { kind: 'none' };
  // After another rotation in the meantime, there would be a file between them.
  if ((await rotatedFiles(dir)).at(-1) === names.at(-1)) return { kind: 'file', place: current, gap: after < 0 };
  await current.handle.close();
  return nextFile(dir, place);
}

async function readRest(place: Place): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let offset = place.offset;
  for (;;) {
    const chunk = await readAt(place.handle, offset, CHUNK_BYTES);
    if (chunk.length === 0) return Buffer.concat(chunks);
    chunks.push(chunk);
    offset += chunk.length;
  }
}

class LineSplitter {
  #rest = Buffer.alloc(0);

  push(chunk: Buffer): Buffer[] {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const lines: Buffer[] = [];
    let start = 0;
    for (let at = data.indexOf(NEWLINE); at >= 0; at = data.indexOf(NEWLINE, start)) {
      if (at > start) lines.push(data.subarray(start, at));
      start = at + 1;
    }
    this.#rest = Buffer.from(data.subarray(start));
    return this.#rest.length > PIECE_BYTES ? [...lines, ...this.flush()] : lines;
  }

  flush(): Buffer[] {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    return rest.length === 0 ? [] : [rest];
  }
}
