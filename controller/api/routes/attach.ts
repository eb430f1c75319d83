import type { Duplex } from 'node:stream';
import {
  badFrame,
  decodeFailure,
  encodeFailure,
  encodeNotice,
  FRAME,
  SILENCE_MS,
  type Frame,
} from '../../../shared/attach/frames.ts';
import { purposeOf } from '../../../shared/attach/purpose.ts';
import { WholeFrames } from '../../../shared/attach/whole-frames.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { toSlipwayError } from '../../../shared/kit/errors.ts';
import { joinStreams } from '../../../shared/kit/join-streams.ts';
import { callAfter } from '../../../shared/kit/timer.ts';
import { LAST_WORDS_MS } from '../../access/open-accesses.ts';
import type { ApiDeps } from '../deps.ts';
import { Attachments, type AttachRequest, type OpenAttachment } from '../operations/attach.ts';
import { appRoute, type RawInput, type Route } from '../route.ts';

export function attachRoutes(deps: ApiDeps): readonly Route[] {
  const attachments = new Attachments(deps);
  return [
    appRoute('attachInstance', {
      auth: 'user',
      action: 'app.attach',
      handle: async ({ app, user, params: { instance }, ...request }) => {
        await join(request, (io) => attachments.open({ app, user, instance, ...io }), deps.clock);
        return undefined;
      },
    }),
    appRoute('attachRun', {
      auth: 'user',
      action: 'app.attach',
      handle: async ({ app, user, params: { run }, ...request }) => {
        await join(request, (io) => attachments.openRun({ app, user, instance: run, ...io }), deps.clock);
        return undefined;
      },
    }),
  ];
}

type Request = Pick<RawInput, 'connection' | 'signal' | 'untilRevoked'>;

async function join(
  { connection, signal, untilRevoked }: Request,
  open: (io: Pick<AttachRequest, 'signal' | 'tell'>) => Promise<OpenAttachment>,
  clock: Clock,
): Promise<void> {
  connection.require();
  const toUser: WholeFrames = new WholeFrames({ look: (frame) => lookAtAnswer(frame, endReason) });
  const { stream: inside, onStart, endReason } = await open({ signal, tell: (text) => toUser.add(encodeNotice(text)) });
  const outside = connection.accept();
  signal.addEventListener('abort', () => outside.destroy(), { once: true });
  endWhenSilent(outside, clock);
  // The user reads why a frame was refused. The process would not understand it.
  const toProcess = new WholeFrames({ look: startOnce(onStart), onFailure: (error) => end(error) });
  const revoked = untilRevoked();
  const end = (reason: unknown): void => {
    toProcess.cutOff(); // the process gets SIGHUP
    toUser.cutOff(encodeFailure(toSlipwayError(reason)));
    outside.once(
      'close',
      callAfter(clock, LAST_WORDS_MS, () => outside.destroy()),
    );
  };
  revoked.addEventListener('abort', () => end(revoked.reason), { once: true });
  void joinStreams(outside, inside, { toOne: toUser, toOther: toProcess });
}

/** Only the controller sends notices. When it knows why the instance stops, the user reads that in place of the words of the sandbox. */
function lookAtAnswer({ kind, content }: Frame, endReason: OpenAttachment['endReason']): void {
  if (kind === FRAME.notice) throw badFrame();
  if (kind !== FRAME.failure || decodeFailure(content).code !== 'SLIP_ATTACH_STOPPED') return;
  const reason = endReason();
  if (reason !== undefined) throw reason;
}

/** A second start frame is refused, because its purpose would not be known. */
function startOnce(onStart: OpenAttachment['onStart']): (frame: Frame) => void {
  let isStarted = false;
  return ({ kind, content }) => {
    if (kind !== FRAME.start) return;
    if (isStarted) throw badFrame();
    isStarted = true;
    onStart(purposeOf(content));
  };
}

/** A client sends a ping every 10 s, so a silent one has vanished. */
function endWhenSilent(stream: Duplex, clock: Clock): void {
  const closed = new AbortController();
  let heardAtMs = clock.monotonicMs();
  stream.on('data', () => (heardAtMs = clock.monotonicMs()));
  stream.once('close', () => closed.abort());
  const watch = async (): Promise<void> => {
    while (!closed.signal.aborted) {
      const leftMs = heardAtMs + SILENCE_MS - clock.monotonicMs();
      if (leftMs <= 0) return void stream.destroy();
      await clock.sleep(leftMs, closed.signal);
    }
  };
  watch().catch(() => undefined);
}
