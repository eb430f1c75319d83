import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { ensureDir, readFileIfExists, syncDir, writeFileAtomic } from '../../shared/kit/atomic-file.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import type { Logger } from '../../shared/kit/log.ts';

/** The form of a document in its file: `{"version":2,"state":{…}}`. Older and newer agents read the same files. */
export interface DocumentCodec<T> {
  /** For example `desired.json`, in the state folder. */
  readonly fileName: string;
  /** The key of the document beside `version`. */
  readonly key: string;
  readonly version: number;
  readonly readableVersions: readonly number[];
  readonly schema: z.ZodType<T>;
  readonly encode: (document: T) => unknown;
}

export interface FileDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

const header = z.looseObject({ version: z.number() });

/** One document of the controller on the disk of this node. It can hold secrets: only its owner can read it. */
export class DocumentFile<T> {
  readonly path: string;
  readonly #codec: DocumentCodec<T>;
  readonly #deps: FileDeps;

  constructor(path: string, codec: DocumentCodec<T>, deps: FileDeps) {
    this.path = path;
    this.#codec = codec;
    this.#deps = deps;
  }

  /** A damaged file is renamed, logged and never used. The controller sends its documents again in the next session. */
  async read(): Promise<T | undefined> {
    const text = await readFileIfExists(this.path);
    if (text === undefined) return undefined;
    const parsed = this.#parse(text);
    if ('document' in parsed) return parsed.document;
    const path = `${this.path}.damaged-${String(this.#deps.clock.nowMs())}`;
    await rename(this.path, path);
    await syncDir(dirname(path));
    this.#deps.log.error({ path, reason: parsed.reason }, 'document.damaged');
    return undefined;
  }

  async write(document: T): Promise<void> {
    const { version, key, encode } = this.#codec;
    await ensureDir(dirname(this.path), 0o700);
    await writeFileAtomic(this.path, `${JSON.stringify({ version, [key]: encode(document) })}\n`, 0o600);
  }

  /** Never throws. The reason names a place in the file, never a value. */
  #parse(text: string): { readonly document: T } | { readonly reason: string } {
    const { key, readableVersions, schema } = this.#codec;
    try {
      const file = header.parse(JSON.parse(text));
      if (!readableVersions.includes(file.version)) return { reason: `version ${String(file.version)}` };
      const result = schema.safeParse(file[key]);
      if (result.success) return { document: result.data };
      const issue = result.error.issues[0];
      return { reason: `${[key, ...(issue?.path ?? [])].join('.')} ${issue?.message ?? ''}` };
    } catch {
      return { reason: 'not JSON with a version' };
    }
  }
}
