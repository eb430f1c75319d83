import { DEFAULT_DISK_RESERVE, type DiskReserve } from '../../shared/kit/disk.ts';
import { DEFAULT_IDMAP_SCRIPT } from './idmap.ts';

export interface ImagesConfig {
  /** The agent's state folder, absolute. Images, mount points and per-app copies lie below it. */
  readonly stateDir: string;
  /** `mount` needs root. `extract` unpacks instead, for development without root. */
  readonly mode: 'mount' | 'extract';
  /** Disk space for images and per-app copies. Beyond it, the least recently used are deleted first. */
  readonly budgetBytes: number;
  /** Images used within this time are neither unmounted nor deleted. Default one minute. */
  readonly graceMs?: number | undefined;
  /** How a layer gets its owner: `auto` tries idmapped mounts first; `copy` always works. */
  readonly ownership?: 'auto' | 'copy' | undefined;
  /** Images up to this size are copied even if idmapped mounts work, because a copy needs one mount and not two. Default 1 MiB. */
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
