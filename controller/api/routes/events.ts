import type { Readable } from 'node:stream';
import type { EventsBody } from '../../../shared/api/observe.ts';
import type { ApiRoutes } from '../../../shared/api/routes.ts';
import type { FleetEvent } from '../../../shared/domain/event.ts';
import { listedOwner } from '../../access/policy.ts';
import type { EventQuery } from '../../domain/events.ts';
import type { Store } from '../../store/port.ts';
import type { ApiDeps } from '../deps.ts';
import { answerLines } from '../ndjson.ts';
import { appRoute, userRoute, type Route, type RouteInput } from '../route.ts';
import { Wake } from '../wake.ts';

const FOLLOW_PAGE = 200;

type Input = Pick<RouteInput<ApiRoutes['listEvents']>, 'query' | 'reply' | 'signal'>;

/** Events of the fleet. The owner of an app sees its events; an administrator sees all events. */
export function eventRoutes(deps: ApiDeps): readonly Route[] {
  return [
    appRoute('listAppEvents', {
      auth: 'user',
      action: 'app.read',
      handle: ({ app, ...input }) => answer(deps, { appId: app.id }, input),
    }),
    userRoute('listEvents', {
      auth: 'user',
      action: 'app.list',
      handle: ({ user, ...input }) => answer(deps, { ownerId: listedOwner(user) }, input),
    }),
  ];
}

async function answer(
  { store, clock }: ApiDeps,
  scope: Pick<EventQuery, 'appId' | 'ownerId'>,
  { query: { limit, before, node, follow }, reply, signal }: Input,
): Promise<EventsBody | Readable> {
  const selection = { ...scope, node };
  if (follow) return answerLines(followEvents(store, { ...selection, limit }, signal), { reply, clock, signal });
  const events = await store.events({ ...selection, limit, beforeSeq: before });
  return { events, before: events.length < limit ? undefined : events.at(-1)?.seq } satisfies EventsBody;
}

/** The last events, oldest first, then each new one after its commit. */
async function* followEvents(store: Store, query: EventQuery, signal: AbortSignal): AsyncGenerator<FleetEvent> {
  const wake = new Wake(signal);
  const stop = store.onEvents(() => {
    wake.wake();
  });
  try {
    let events: readonly FleetEvent[] = (await store.events(query)).toReversed();
    let seq = 0;
    while (!signal.aborted) {
      yield* events;
      seq = events.at(-1)?.seq ?? seq;
      if (events.length < FOLLOW_PAGE || seq === 0) await wake.wait();
      events = await store.events({ ...query, afterSeq: seq, limit: FOLLOW_PAGE });
    }
  } finally {
    stop();
  }
}
