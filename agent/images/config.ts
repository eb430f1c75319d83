import { DEFAULT_DISK_RESERVE, type DiskReserve } from '../../shared/kit/disk.ts';
import { DEFAULT_IDMAP_SCRIPT } from './idmap.ts';

export interface ImagesConfig {
  /** The agent's state folder, absolute. Images, mount points and per-app copies lie below it. */
  readonly stateDir: string;
  /** `mount` needs root; `extract` unpacks instead, for development without it. */
  readonly mode: 'mount' | 'extract';
  /** Images and per-app copies beyond this are deleted, least recently used first. */
  readonly budgetBytes: number;
  /** Used within this time: neither unmounted nor deleted. Default one minute. */
  readonly graceMs?: number | undefined;
  /** How a layer gets its owner: `auto` tries the kernel's idmapped mounts first, `copy` is what always works. */
  readonly ownership?: 'auto' | 'copy' | undefined;
  /** Images up to this size are copied even where idmapped mounts work: one mount instead of two. Default 1 MiB. */
  readonly copyUpToBytes?: number | undefined;
  readonly idmapScript?: string | undefined;
  readonly diskReserve?: DiskReserve | undefined;
}

export interface ImageSettings {
  readonly mode: 'mount' | 'extract';
  readonly budgetBytes: number;
  readonly graceMs: number;
  readonly ownership: 'auto' | 'copy';
  readonly copyUpToBytes: number;
  readonly idmapScript: string;
  readonly diskReserve: DiskReserve;
}

export function imageSettings(config: ImagesConfig): ImageSettings {
  return {
    mode: config.mode,
    budgetBytes: config.budgetBytes,
    graceMs: config.graceMs ?? 60_000,
    ownership: config.ownership ?? 'auto',
    copyUpToBytes: config.copyUpToBytes ?? 1024 * 1024,
    idmapScript: config.idmapScript ?? DEFAULT_IDMAP_SCRIPT,
    diskReserve: config.diskReserve ?? DEFAULT_DISK_RESERVE,
  };
}
