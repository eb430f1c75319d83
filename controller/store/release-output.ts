/** Most bytes of the output of a release phase that are kept with a release. */
export const RELEASE_OUTPUT_BYTES_MAX = 1024 * 1024;

const CUT = '\n[The rest of the output is not kept: the limit is 1 MB.]\n';

/** Pure: what to add to an output of this size. The last text is cut between two characters. NUL bytes are dropped. */
export function addOutput(bytes: number, text: string): string {
  if (bytes > RELEASE_OUTPUT_BYTES_MAX) return '';
  const clean = text.replaceAll('\0', '');
  const room = RELEASE_OUTPUT_BYTES_MAX - bytes;
  if (Buffer.byteLength(clean) <= room) return clean;
  return `${firstBytes(clean, room)}${CUT}`;
}

/** Pure: as much of the text as fits, cut between two characters. */
export function firstBytes(text: string, room: number): string {
  if (room <= 0) return '';
  if (Buffer.byteLength(text) <= room) return text;
  return Buffer.from(text)
    .subarray(0, room)
    .toString('utf8')
    .replace(/\uFFFD+$/u, '');
}
