import type { Duplex } from 'node:stream';
import { encodeFrame, encodeStart, FRAME, FrameReader, PING_MS, type Frame } from '../../shared/attach/frames.ts';
import type { Clock } from '../../shared/kit/clock.ts';
import { toSlipwayError } from '../../shared/kit/errors.ts';
import type { ProbeAnswer } from './port.ts';

/** Opens a stream to a process in the sandbox of an instance. */
export type OpenStream = (instanceId: string) => Promise<Duplex>;

interface Command {
  readonly instanceId: string;
  readonly words: readonly string[];
}

/**
 * Runs a command in the sandbox of the instance, with its user, its limits and its environment. Status 0 passes. A command that prints more than
 * one window of the stream stops there, so it fails at its time limit. Closing the stream ends the command.
 */
export async function askCommand(
  { instanceId, words }: Command,
  signal: AbortSignal,
  { open, clock }: { readonly open: OpenStream; readonly clock: Clock },
): Promise<ProbeAnswer> {
  let stream: Duplex | undefined;
  try {
    stream = await open(instanceId);
    const opened = stream;
    signal.addEventListener('abort', () => opened.destroy());
    if (signal.aborted) opened.destroy();
    opened.write(encodeStart({ mode: 'pipe', words }));
    opened.write(encodeFrame(FRAME.inputEnd));
    void keepAlive(opened, signal, clock);
    return await readEnd(opened);
  } catch (error) {
    return notRun(error);
  } finally {
    stream?.destroy();
  }
}

/** Without pings, the process in the sandbox takes a long command for one that nobody waits for. */
async function keepAlive(stream: Duplex, signal: AbortSignal, clock: Clock): Promise<void> {
  try {
    for (;;) {
      await clock.sleep(PING_MS, signal);
      stream.write(encodeFrame(FRAME.ping));
    }
  } catch {
    // the attempt is over
  }
}

async function readEnd(stream: Duplex): Promise<ProbeAnswer> {
  const reader = new FrameReader();
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const end = reader
      .push(chunk)
      .map(answerOf)
      .find((answer) => answer !== undefined);
    if (end !== undefined) return end;
  }
  return { passed: false, answer: 'the command was cut off' };
}

function answerOf({ kind, content }: Frame): ProbeAnswer | undefined {
  if (kind === FRAME.failure) return { passed: false, answer: 'the command could not be started' };
  if (kind !== FRAME.exit) return undefined;
  const status = content[0] ?? 255;
  return { passed: status === 0, answer: `the command exited with status ${String(status)}` };
}

/** An instance that an older agent started has no way to run a second process. It must not be restarted because of that. */
function notRun(error: unknown): ProbeAnswer {
  if (toSlipwayError(error).code === 'SLIP_ATTACH_OLD_INSTANCE')
    return { passed: true, answer: 'the command was not run, because an older agent started the instance' };
  return { passed: false, answer: 'the command could not be started' };
}
