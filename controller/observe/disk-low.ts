/** Below this a node is said to be short of disk; above twice as much it has room again. */
export const DISK_LOW_BYTES = 1024 * 1024 * 1024;
