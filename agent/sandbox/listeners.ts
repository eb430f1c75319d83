import { readFile } from 'node:fs/promises';
import type { Listener } from './port.ts';

export interface SocketEntry extends Listener {
  readonly inode: string;
}

const LISTEN = '0A';

/** LISTEN rows of /proc/PID/net/tcp or tcp6. Pure. */
export function parseListeners(text: string): SocketEntry[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN)
    .map((fields) => {
      const [address = '', port = ''] = (fields[1] ?? '').split(':');
      return { address: addressOf(address), port: parseInt(port, 16), inode: fields[9] ?? '' };
    });
}

/** The kernel prints addresses as 32-bit words in machine order. */
function addressOf(hex: string): string {
  const words = (hex.match(/.{8}/g) ?? []).map((word) => (word.match(/../g) ?? []).reverse().map((byte) => parseInt(byte, 16)));
  const bytes = words.flat();
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.every((byte) => byte === 0)) return '::';
  if (bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1) return '::1';
  if (bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff) return bytes.slice(12).join('.');
  const groups = Array.from({ length: 8 }, (_, index) => (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16));
  return groups.join(':');
}

/** Sockets in LISTEN in the network namespace of a process. */
export async function listenersOf(pid: number): Promise<SocketEntry[]> {
  const texts = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/${String(pid)}/net/${name}`, 'utf8').catch(() => '')));
  return texts.flatMap(parseListeners);
}
