/** A node with less free disk is reported. Above twice this value, it has enough disk again. */
export const DISK_LOW_BYTES = 1024 * 1024 * 1024;
