// Text is sent compressed. The result of each file is kept in memory, so that it is compressed once.
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const COMPRESSIBLE =
  /^(text\/|image\/svg\+xml|image\/x-icon|font\/(ttf|otf)|application\/(json|xml|wasm|manifest\+json))/;
/** A smaller file fits into one packet without compression. */
const MIN_BYTES = 1024;
/** A larger file would need too much memory in a small instance. */
const MAX_BYTES = 8 * 1024 * 1024;
const CACHE_BYTES = 16 * 1024 * 1024;

const ENCODERS = {
  // Quality 4 takes as long as gzip and makes smaller results.
  br: (bytes) => promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  gzip: (bytes) => promisify(gzip)(bytes),
};

export function isCompressible(type) {
  return COMPRESSIBLE.test(type);
}

/** The encoding to send, or undefined for no encoding. */
export function chooseEncoding(header, sizeBytes) {
  if (sizeBytes < MIN_BYTES || sizeBytes > MAX_BYTES) return undefined;
  const weights = new Map(
    String(header ?? '')
      .toLowerCase()
      .split(',')
      .map((part) => {
        const [name, ...options] = part.split(';').map((text) => text.trim());
        const quality = options.find((option) => option.startsWith('q='));
        return [name, quality === undefined ? 1 : Number(quality.slice(2))];
      }),
  );
  const allowed = Object.keys(ENCODERS).filter((name) => (weights.get(name) ?? 0) > 0);
  return allowed.sort((a, b) => weights.get(b) - weights.get(a))[0];
}

/** Gives the compressed bytes of a file. The oldest results are dropped when the cache is full. */
export function createCompressor() {
  const cache = new Map();
  let cachedBytes = 0;
  const keep = (key, bytes) => {
    if (cache.get(key)?.bytes !== undefined) return;
    cache.set(key, { bytes });
    cachedBytes += bytes.length;
    for (const [old, entry] of cache) {
      if (cachedBytes <= CACHE_BYTES || old === key) break;
      if (entry.bytes === undefined) continue;
      cachedBytes -= entry.bytes.length;
      cache.delete(old);
    }
  };
  return async (file, encoding) => {
    const key = `${encoding} ${file.sizeBytes} ${file.modified.getTime()} ${file.path}`;
    const known = cache.get(key);
    if (known !== undefined) return known.bytes ?? known.pending;
    const pending = readFile(file.path).then(ENCODERS[encoding]);
    cache.set(key, { pending });
    try {
      const bytes = await pending;
      keep(key, bytes);
      return bytes;
    } catch (error) {
      cache.delete(key);
      throw error;
    }
  };
}
