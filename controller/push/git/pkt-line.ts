/** git's pkt-line format: four hex digits with the length of the whole packet, then the data. Pure. */

/** Data of a packet, or the name of a special one. */
export type Pkt = Buffer | 'flush' | 'delim' | 'response-end';

export const MAX_PKT_DATA_BYTES = 65_516;
export const FLUSH_PKT: Buffer = Buffer.from('0000');

const SPECIAL: readonly Pkt[] = ['flush', 'delim', 'response-end'];
const LENGTH = /^[0-9a-fA-F]{4}$/;

export class PktLineError extends Error {
  override readonly name = 'PktLineError';
}

/** One packet. @throws PktLineError when the data does not fit */
export function encodePkt(data: string | Uint8Array): Buffer {
  const body = Buffer.from(data as Uint8Array);
  if (body.length > MAX_PKT_DATA_BYTES) throw new PktLineError(`packet of ${String(body.length)} bytes`);
  return Buffer.concat([Buffer.from((body.length + 4).toString(16).padStart(4, '0')), body]);
}

/** Splits a byte stream into packets, whatever its chunks. It holds at most one incomplete packet. */
export class PktDecoder {
  #rest: Buffer = Buffer.alloc(0);

  /** The packets that this chunk completes. @throws PktLineError when a length is not valid */
  push(chunk: Uint8Array): Pkt[] {
    this.#rest = this.#rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#rest, chunk]);
    const packets: Pkt[] = [];
    let at = 0;
    while (this.#rest.length - at >= 4) {
      const length = readLength(this.#rest.subarray(at, at + 4));
      const special = SPECIAL[length];
      if (special === undefined && this.#rest.length - at < length) break;
      packets.push(special ?? this.#rest.subarray(at + 4, at + length));
      at += Math.max(4, length);
    }
    this.#rest = this.#rest.subarray(at);
    return packets;
  }

  /** True between two packets. */
  get atBoundary(): boolean {
    return this.#rest.length === 0;
  }
}

function readLength(digits: Buffer): number {
  const text = digits.toString('latin1');
  const length = LENGTH.test(text) ? Number.parseInt(text, 16) : -1;
  if (length < 0 || length === 3 || length > MAX_PKT_DATA_BYTES + 4)
    throw new PktLineError(`packet length ${JSON.stringify(text)}`);
  return length;
}
