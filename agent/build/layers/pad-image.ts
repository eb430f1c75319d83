import { stat, truncate } from 'node:fs/promises';

/** The block size of squashfs. A loop device ends with the last complete sector of its file. */
const BLOCK_BYTES = 1024;

/** Fills the last block, so that an image packed with `-nopad` can be mounted. This saves up to 3 kB compared with the padding of mksquashfs. */
export async function padImage(path: string): Promise<void> {
  const { size } = await stat(path);
  await truncate(path, Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES);
}
