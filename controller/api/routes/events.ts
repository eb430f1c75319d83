import { z } from 'zod';
import type { EventsBody } from '../../../shared/api/observe.ts';
import type { FleetEvent } from '../../../shared/domain/event.ts';
import type { EventQuery } from '../../domain/events.ts';
import type { Store } from '../../store/port.ts';
import type { ApiDeps } from '../deps.ts';
import { answerLines } from '../ndjson.ts';
import { appRoute, userRoute, type Route, type RouteInput } from '../route.ts';
import { Wake } from '../wake.ts';

const query = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  before: z.coerce.number().int().min(1).optional(),
  node: z.string().max(63).optional(),
  follow: z.stringbool().default(false),
});

const FOLLOW_PAGE = 200;

type Input = Pick<RouteInput<z.output<typeof query>, undefined>, 'query' | 'reply' | 'signal'>;

/** Who or what did what. The owner of an app sees what happened to it, an admin everything. */
export function eventRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute({
      method: 'GET',
      url: '/apps/:app/events',
      auth: 'user',
      action: 'app.read',
      query,
      handle: ({ app, ...input }) => answer(deps, { appId: app.id }, input),
    }),
    userRoute({
      method: 'GET',
      url: '/events',
      auth: 'user',
      action: 'app.list',
      query,
      handle: ({ user, ...input }) => answer(deps, user.admin ? {} : { ownerId: user.id }, input),
    }),
  ];
}

async function answer(
  { store, clock }: ApiDeps,
  scope: Pick<EventQuery, 'appId' | 'ownerId'>,
  { query: { limit, before, node, follow }, reply, signal }: Input,
): Promise<unknown> {
  const of = { ...scope, node };
  if (follow) return answerLines(followEvents(store, { ...of, limit }, signal), { reply, clock, signal });
  const events = await store.events({ ...of, limit, beforeSeq: before });
  return { events, before: events.length < limit ? undefined : events.at(-1)?.seq } satisfies EventsBody;
}

/** The last ones, oldest first, then each new one as it is committed. */
async function* followEvents(store: Store, of: EventQuery, signal: AbortSignal): AsyncGenerator<FleetEvent> {
  const wake = new Wake(signal);
  const stop = store.onEvents(() => {
    wake.wake();
  });
  try {
    let events: readonly FleetEvent[] = (await store.events(of)).toReversed();
    let seq = 0;
    while (!signal.aborted) {
      yield* events;
      seq = events.at(-1)?.seq ?? seq;
      if (events.length < FOLLOW_PAGE || seq === 0) await wake.wait();
      events = await store.events({ ...of, afterSeq: seq, limit: FOLLOW_PAGE });
    }
  } finally {
    stop();
  }
}
