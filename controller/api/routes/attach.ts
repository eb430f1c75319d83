import type { Duplex } from 'node:stream';
import { SILENCE_MS } from '../../../shared/attach/frames.ts';
import type { Clock } from '../../../shared/kit/clock.ts';
import { joinStreams } from '../../../shared/kit/join-streams.ts';
import type { ApiDeps } from '../deps.ts';
import { Attachments } from '../operations/attach.ts';
import { appRoute, type Route } from '../route.ts';

export function attachRoutes(deps: ApiDeps): readonly Route[] {
  const attachments = new Attachments(deps);
  return [
    appRoute('attachInstance', {
      auth: 'user',
      action: 'app.attach',
      handle: async ({ app, user, params: { instance }, query: { purpose }, connection, signal }) => {
        connection.require();
        const inside = await attachments.open({ app, user, instance, purpose, signal });
        join(connection.accept(), inside, { clock: deps.clock, signal });
        return undefined;
      },
    }),
    appRoute('attachRun', {
      auth: 'user',
      action: 'app.attach',
      handle: async ({ app, user, params: { run }, connection, signal }) => {
        connection.require();
        const inside = await attachments.openRun({ app, user, instance: run, signal });
        join(connection.accept(), inside, { clock: deps.clock, signal });
        return undefined;
      },
    }),
  ];
}

function join(
  outside: Duplex,
  inside: Duplex,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): void {
  signal.addEventListener('abort', () => outside.destroy(), { once: true });
  endWhenSilent(outside, clock);
  void joinStreams(outside, inside);
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
