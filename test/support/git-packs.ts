import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';

interface PackObject {
  readonly type: 1 | 2 | 3 | 7;
  /** The size of the unpacked object, as its header claims. */
  readonly size: number;
  /** The compressed object. The id of the base comes before it in a delta. */
  readonly data: Buffer;
}

/** A pack file of version 2, see gitformat-pack(5). */
export function packOf(objects: readonly PackObject[]): Buffer {
  const header = Buffer.alloc(12);
  header.write('PACK');
  header.writeUInt32BE(2, 4);
  header.writeUInt32BE(objects.length, 8);
  const body = Buffer.concat([header, ...objects.flatMap(({ type, size, data }) => [objectHeader(type, size), data])]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

function objectHeader(type: number, size: number): Buffer {
  const bytes = [(type << 4) | (size & 15)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1]! |= 0x80;
    bytes.push(rest % 128);
  }
  return Buffer.from(bytes);
}

function varint(size: number): Buffer {
  const bytes: number[] = [];
  for (let rest = size; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest >= 128 ? 0x80 | (rest % 128) : rest);
    if (rest < 128) return Buffer.from(bytes);
  }
}

function objectId(kind: string, content: Buffer): Buffer {
  return createHash('sha1')
    .update(`${kind} ${String(content.length)}\0`)
    .update(content)
    .digest();
}

/** 16 MB of zeros, and a delta that copies it again and again: a kilobyte for each 4 GB. */
export function deltaBomb(copies: number): Buffer {
  const base = Buffer.alloc(0xff_ffff);
  const copyAll = Buffer.concat(Array.from({ length: copies }, () => Buffer.from([0x80 | 0x70, 0xff, 0xff, 0xff])));
  const delta = Buffer.concat([varint(base.length), varint(base.length * copies), copyAll]);
  return packOf([
    { type: 3, size: base.length, data: deflateSync(base) },
    { type: 7, size: delta.length, data: Buffer.concat([objectId('blob', base), deflateSync(delta)]) },
  ]);
}
