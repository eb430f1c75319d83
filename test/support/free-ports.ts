import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Below the ports that the kernel assigns to connections, so that no program takes one in the seconds before its use. */
const FIRST = 10_000;
const COUNT = 10_000;
/** One file for each port that a test process has taken. Test files run side by side, and a port is bound some time after it was found. */
const TAKEN_DIR = join(tmpdir(), 'slipway-test-ports');

const mine: string[] = [];

/** Ports on which no program listens and that no other test process has reserved. They belong to this process until it ends. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  while (servers.length < count) {
    const port = FIRST + randomInt(COUNT);
    if (!take(port)) continue;
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (isFree) servers.push(server);
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** The first of this many such ports in a row. */
export async function freePortRange(count: number): Promise<number> {
  for (;;) {
    const first = FIRST + randomInt(COUNT - count);
    const ports = Array.from({ length: count }, (_, index) => first + index);
    if (ports.every(take) && (await Promise.all(ports.map(isUnused))).every(Boolean)) return first;
  }
}

function isUnused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '0.0.0.0', () => server.close(() => resolve(true)));
  });
}

function take(port: number): boolean {
  mkdirSync(TAKEN_DIR, { recursive: true });
  const file = join(TAKEN_DIR, String(port));
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
  } catch {
    if (isAlive(ownerOf(file))) return false;
    rmSync(file, { force: true });
    return false;
  }
  if (mine.length === 0) process.once('exit', () => mine.forEach((each) => rmSync(each, { force: true })));
  mine.push(file);
  return true;
}

function ownerOf(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

/** A file without a pid is being written by its process. */
function isAlive(pid: number): boolean {
  if (pid === 0) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
