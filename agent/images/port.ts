import type { Digest } from '../../shared/domain/ids.ts';
import type { Layer } from '../../shared/domain/slug.ts';
import type { Ownership } from './layer-mounter.ts';
import type { OwnedLayer, PurgeRequest } from './purge.ts';

/** Downloads layers from the controller and uploads new ones, over HTTPS with the certificate of the node. */
export interface ImageTransport {
  /** Streams the image from `offsetBytes` on. @throws SLIP_IMAGE_NOT_FOUND (not retried), transient errors */
  download(digest: Digest, offsetBytes: number, signal: AbortSignal): Promise<NodeJS.ReadableStream>;
  /** Uploads an image, unless the controller has it. Resolves to the bytes sent. */
  upload(digest: Digest, path: string, signal: AbortSignal): Promise<number>;
}

/** Layers on this machine: content-addressed files, verified after the download, mounted read-only. */
export interface Images {
  /** Downloads and verifies missing layers. Concurrent calls for one digest share one download. */
  ensure(layers: readonly Layer[], signal: AbortSignal): Promise<void>;
  /** Mounts a stored layer for an app and returns the folder. A `shared` layer is mounted once for all apps. */
  mount(layer: Layer, uidBase: number): Promise<string>;
  /** Moves a local image file into the store and returns its digest and size. */
  adopt(path: string): Promise<{ digest: Digest; sizeBytes: number }>;
  has(digest: Digest): Promise<boolean>;
  path(digest: Digest): string;
  /** Unmounts unused layers, then deletes the least recently used images beyond the budget, but never one in `keep`. */
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
