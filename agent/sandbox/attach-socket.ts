import { once } from 'node:events';
import { chmod, chown, open, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import type { Clock } from '../../shared/kit/clock.ts';
import { SlipwayError } from '../../shared/kit/errors.ts';

const CONNECT_TIMEOUT_MS = 20_000;
/** A lost signal is repeated. A second process finds no socket and ends. */
const CALL_AGAIN_MS = 2_000;

export interface AttachPlace {
  readonly path: string;
  /** Host user and group that may connect. Absent: our own. */
  readonly owner: number | undefined;
  /** Makes a process of the sandbox connect. @returns false when none can */
  readonly call: () => Promise<boolean>;
}

/**
 * The stream to a new process of the sandbox. The process connects to us, so we never enter the sandbox, and it inherits nothing from us. The
 * socket is a file in the folder of this one sandbox, and is removed after the first connection. An app that connects instead reaches no more
 * than the command of its own sandbox.
 * @throws SLIP_ATTACH_OLD_INSTANCE, SLIP_ATTACH_TIMEOUT
 */
export async function acceptAttach(place: AttachPlace, clock: Clock): Promise<Socket> {
  const server = createServer({ allowHalfOpen: false });
  server.maxConnections = 1; // an app could connect many times before the server closes
  const accepted = once(server, 'connection').then(([socket]: Socket[]) => socket);
  accepted.catch(() => undefined);
  try {
    await listenAt(server, place);
    const socket = await untilConnected(accepted, place, clock);
    if (socket === undefined) throw noConnection();
    socket.on('error', () => socket.destroy());
    return socket;
  } finally {
    server.close();
    await rm(place.path, { force: true });
  }
}

/** The path of a socket has at most 107 bytes, so the folder is named by its descriptor. */
async function listenAt(server: Server, { path, owner }: AttachPlace): Promise<void> {
  await rm(path, { force: true });
  const folder = await open(dirname(path));
  try {
    const listening = once(server, 'listening');
    server.listen(`/proc/self/fd/${String(folder.fd)}/${basename(path)}`);
    await listening;
  } finally {
    await folder.close();
  }
  await chmod(path, 0o600);
  if (owner !== undefined) await chown(path, owner, owner);
}

async function untilConnected(
  accepted: Promise<Socket | undefined>,
  { call }: AttachPlace,
  clock: Clock,
): Promise<Socket | undefined> {
  const deadlineMs = clock.monotonicMs() + CONNECT_TIMEOUT_MS;
  while (clock.monotonicMs() < deadlineMs) {
    if (!(await call())) throw tooOld();
    const stop = new AbortController();
    const later = clock.sleep(CALL_AGAIN_MS, stop.signal).catch(() => undefined);
    const socket = await Promise.race([accepted, later]);
    stop.abort();
    if (socket !== undefined) return socket;
  }
  return undefined;
}

function tooOld(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ATTACH_OLD_INSTANCE',
    kind: 'conflict',
    message:
      'This instance cannot run commands: it was started by an older agent, or it is only starting or ending now.',
    hint: 'Look at it with: slipway ps — and start it again with: slipway ps:restart',
  });
}

function noConnection(): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_ATTACH_TIMEOUT',
    kind: 'transient',
    message: 'The sandbox started no process for the command: it may have reached its limit of memory or processes.',
    hint: 'See its limits with: slipway ps:limits',
  });
}
