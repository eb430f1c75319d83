import type { MountEntry } from '../files/mounts.ts';

/** Where the kernel's hierarchies are mounted. */
export interface Hierarchies {
  /** Controller (or `name=systemd`) → mount point. */
  readonly v1: ReadonlyMap<string, string>;
  readonly v2: string | undefined;
}

export function hierarchiesOf(mounts: readonly MountEntry[]): Hierarchies {
  const v1 = new Map<string, string>();
  for (const mount of mounts.filter((entry) => entry.type === 'cgroup')) {
    for (const option of mount.superOptions.split(',')) {
      if (option !== 'rw' && option !== 'ro') v1.set(option, mount.target);
    }
  }
  return { v1, v2: mounts.find((entry) => entry.type === 'cgroup2')?.target };
}
