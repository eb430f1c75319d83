import { constants, openSync, closeSync, writeSync } from 'node:fs';
import { isErrno } from '../../../shared/kit/errors.ts';
import type { Clock } from '../../../shared/kit/clock.ts';

const FULL_RETRY_MS = 10;
const FULL_TRIES = 50;
/** A shorter write to a pipe is not mixed with the lines of HAProxy. */
const LINE_BYTES_MAX = 4096;

/**
 * Writes a line into the pipe between HAProxy and its logger, so it is in the log after everything that HAProxy has logged before. These calls do
 * not block: nothing waits for the other end of the pipe. @returns false when there is no logger, or when the pipe stays full
 */
export async function writeLogLine(pipe: string, line: string, clock: Clock): Promise<boolean> {
  const bytes = Buffer.from(`${line}\n`);
  if (bytes.length > LINE_BYTES_MAX) return false;
  for (let tries = 0; tries < FULL_TRIES; tries += 1) {
    const outcome = tryWrite(pipe, bytes);
    if (outcome !== 'full') return outcome === 'written';
    await clock.sleep(FULL_RETRY_MS);
  }
  return false;
}

function tryWrite(pipe: string, bytes: Buffer): 'written' | 'full' | 'absent' {
  try {
    const fd = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(fd, bytes); // all or nothing, because it is short
      return 'written';
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (isErrno(error, 'EAGAIN')) return 'full';
    if (isErrno(error, 'ENOENT') || isErrno(error, 'ENXIO') || isErrno(error, 'EPIPE')) return 'absent';
    throw error;
  }
}
