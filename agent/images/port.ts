import type { Digest } from '../../shared/domain/ids.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import type { Ownership } from './layer-mounter.ts';
import type { OwnedLayer, PurgeRequest } from './purge.ts';

/** Where layers come from and go to: the controller's image store over HTTPS with the node's certificate. */
export interface ImageTransport {
  /** Streams the image from `offsetBytes` on. @throws SLIP_IMAGE_NOT_FOUND (not retried), transient errors */
  download(digest: Digest, offsetBytes: number, signal: AbortSignal): Promise<NodeJS.ReadableStream>;
  /** Sends a finished image; a no-op when the controller has it. Resolves to the bytes sent. */
  upload(digest: Digest, path: string, signal: AbortSignal): Promise<number>;
}

/** Layers on this machine: content-addressed files, verified on the way in, mounted read-only. */
export interface Images {
  /** Fetches what is missing, resuming and verifying; concurrent calls for one digest share the work. */
  ensure(layers: readonly Layer[], signal: AbortSignal): Promise<void>;
  /** Mounts a layer (present already) for an app and returns the folder. `shared` layers mount once for all. */
  mount(layer: Layer, uidBase: number): Promise<string>;
  /** Takes a locally built image file in (moves it) and returns its digest and size. */
  adopt(path: string): Promise<{ digest: Digest; sizeBytes: number }>;
  has(digest: Digest): Promise<boolean>;
  path(digest: Digest): string;
  /** Unmounts what no live sandbox uses, then deletes the least recently used images beyond the budget, never one in `keep`. */
  collectGarbage(inUse: ReadonlySet<Digest>, keep: ReadonlySet<Digest>): Promise<void>;
}

/** What only the agent's composition root uses. */
export interface NodeImages extends Images {
  /** Prepares folders and mount propagation, and tests the kernel for idmapped mounts. Call it first at start; it may be repeated. */
  ensureHost(): Promise<void>;
  ownership(): Ownership;
  /** Mounts and copies of layers whose files belong to these host users. */
  ownedBy(isOwner: (uid: number) => boolean): Promise<readonly OwnedLayer[]>;
  /** Removes these layers and every unused image, whatever the budget. */
  purge(request: PurgeRequest): Promise<void>;
  /** Unused images whose last use was before this time (wall clock). */
  unneeded(inUse: ReadonlySet<Digest>, usedBeforeMs: number): Promise<readonly Digest[]>;
  /** Resolves when background checks and prefetches have ended. */
  settled(): Promise<void>;
}
