/** Reads a whole stream. Undefined if it has more than `maxBytes`, so that an endless input does not fill the memory. */
export async function readAll(source: AsyncIterable<unknown>, maxBytes = Infinity): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk as Uint8Array);
    chunks.push(bytes);
    length += bytes.length;
    if (length > maxBytes) return undefined;
  }
  return Buffer.concat(chunks);
}
