import { open } from 'node:fs/promises';
import type { Listener } from './port.ts';

export interface SocketEntry extends Listener {
  readonly inode: string;
}

const LISTEN = '0A';
/** The state of a UDP socket that is not connected to a peer. */
const UNCONNECTED = '07';

/** Rows of /proc/PID/net/tcp, tcp6, udp or udp6 that wait for anybody. Pure. */
export function parseListeners(text: string, protocol?: 'udp'): SocketEntry[] {
  const waiting = protocol === 'udp' ? UNCONNECTED : LISTEN;
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === waiting)
    .map((fields) => {
      const [address = '', port = ''] = (fields[1] ?? '').split(':');
      return {
        address: addressOf(address),
        port: parseInt(port, 16),
        inode: fields[9] ?? '',
        ...(protocol === undefined ? {} : { protocol }),
      };
    });
}

/** The kernel prints addresses as 32-bit words in machine order. */
function addressOf(hex: string): string {
  const words = (hex.match(/.{8}/g) ?? []).map((word) =>
    (word.match(/../g) ?? []).reverse().map((byte) => parseInt(byte, 16)),
  );
  const bytes = words.flat();
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.every((byte) => byte === 0)) return '::';
  if (bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1) return '::1';
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff) return bytes.slice(12).join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  );
  return groups.join(':');
}

/** The kernel lists sockets in LISTEN first. An app may have a million other sockets, with 150 bytes each in this list. */
const MAX_TABLE_BYTES = 256 * 1024;

const TABLES = [['tcp'], ['tcp6'], ['udp', 'udp'], ['udp6', 'udp']] as const;

/** Sockets that wait for anybody in the network namespace of a process. */
export async function listenersOf(pid: number): Promise<SocketEntry[]> {
  const read = TABLES.map(async ([name, protocol]) =>
    parseListeners(await readStart(`/proc/${String(pid)}/net/${name}`), protocol),
  );
  return (await Promise.all(read)).flat();
}

/** The first whole lines of a file in /proc; empty when the file does not exist. */
async function readStart(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return '';
  const buffer = Buffer.alloc(MAX_TABLE_BYTES);
  let length = 0;
  try {
    for (let bytesRead = -1; bytesRead !== 0 && length < buffer.length; length += bytesRead) {
      ({ bytesRead } = await file.read(buffer, length, buffer.length - length, null));
    }
  } catch {
    // The process has ended.
  } finally {
    await file.close();
  }
  return buffer.toString('latin1', 0, Math.max(0, buffer.lastIndexOf('\n', Math.max(0, length - 1))));
}
