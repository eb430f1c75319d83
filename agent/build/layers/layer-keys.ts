import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isDigest, isId, type AppId, type Digest } from '../../../shared/domain/ids.ts';
import type { Layer } from '../../../shared/domain/slug.ts';
import { ensureDir, readFileIfExists, writeFileAtomic } from '../../../shared/kit/atomic-file.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { KeyedQueue } from '../../../shared/kit/keyed-queue.ts';
import { sameLayer } from './cut.ts';
import type { DeclaredLayer } from './port.ts';

export interface KeyedLayer {
  readonly declared: DeclaredLayer;
  readonly layer: Layer;
}

const keyedLayer = z.object({
  declared: z.object({ name: z.string(), path: z.string(), key: z.string(), shared: z.boolean() }),
  layer: z.object({
    name: z.string(),
    digest: z.string().refine(isDigest),
    sizeBytes: z.number(),
    shared: z.boolean(),
  }),
});
const keysFile = z.object({ version: z.literal(1), layers: z.array(keyedLayer) });

/** Enough for two branches or a restored lockfile. */
const MAX_PER_APP = 12;

/**
 * Maps name, folder and key to the layer of an earlier build: one small file per app, newest first. It is a cache, so an unreadable file counts
 * as empty.
 */
export class LayerKeys {
  readonly #dir: string;
  readonly #queue = new KeyedQueue();

  constructor(dir: string) {
    this.#dir = dir;
  }

  async read(appId: AppId): Promise<readonly KeyedLayer[]> {
    const text = await readFileIfExists(this.#path(appId));
    if (text === undefined) return [];
    try {
      return keysFile.parse(JSON.parse(text)).layers;
    } catch {
      return [];
    }
  }

  /** Writes only if something is new. */
  async remember(appId: AppId, fresh: readonly KeyedLayer[]): Promise<void> {
    if (fresh.length === 0) return;
    await this.#queue.enqueue(appId, async () => {
      const known = await this.read(appId);
      if (
        fresh.every((each) =>
          known.some((old) => sameLayer(old.declared, each.declared) && old.layer.digest === each.layer.digest),
        )
      )
        return;
      const rest = known.filter((old) => !fresh.some((each) => sameLayer(each.declared, old.declared)));
      const layers = [...fresh, ...rest].slice(0, MAX_PER_APP);
      await ensureDir(this.#dir);
      await writeFileAtomic(this.#path(appId), `${JSON.stringify({ version: 1, layers })}\n`);
    });
  }

  async has(appId: AppId): Promise<boolean> {
    return (await readFileIfExists(this.#path(appId))) !== undefined;
  }

  /** Of all apps. */
  async digests(): Promise<ReadonlySet<Digest>> {
    const names = (await readdir(this.#dir).catch(() => [])).filter((name) => name.endsWith('.json'));
    const ids = names.map((name) => name.slice(0, -'.json'.length)).filter(isId);
    const all = await Promise.all(ids.map((id) => this.read(id as AppId)));
    return new Set(all.flat().map(({ layer }) => layer.digest));
  }

  remove(appId: AppId): Promise<void> {
    return this.#queue.enqueue(appId, () => rm(this.#path(appId), { force: true }));
  }

  #path(appId: AppId): string {
    // The id becomes a file name, so it is checked, although the controller makes it.
    if (!isId(appId))
      throw new SlipwayError({ code: 'SLIP_BUILD_LAYER', kind: 'bug', message: 'The build names no app.' });
    return join(this.#dir, `${appId}.json`);
  }
}
