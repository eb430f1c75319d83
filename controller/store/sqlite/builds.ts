import { BUILD_STATES, isTerminal, transition } from '../../../shared/domain/states.ts';
import type { NewEvent } from '../../../shared/domain/event.ts';
import type { Build } from '../../domain/builds.ts';
import type { Store } from '../port.ts';
import { appNameOf, insertEvent, userActor } from './events.ts';
import { notFound, type RepositoryDeps } from './repository.ts';
import { buildRow, parseRow, parseRowIfAny, parseRows } from './rows.ts';
import type { Tx } from './schema.ts';

type Builds = Pick<
  Store,
  'createBuild' | 'setBuildState' | 'build' | 'builds' | 'unfinishedBuilds' | 'setBuildTimings'
>;

export function createBuilds({ inTransaction, clock, randomId }: RepositoryDeps): Builds {
  return {
    createBuild: ({ appId, userId, commit }) =>
      inTransaction(async (tx) => {
        const id = randomId();
        const row = {
          id,
          appId,
          userId,
          commitHash: commit,
          state: 'queued',
          createdAtMs: clock.nowMs(),
          timingsMs: '{}',
        };
        await tx.insertInto('builds').values(row).execute();
        await insertEvent(tx, clock, await buildStarted(tx, { id, appId, userId, commit }));
        return parseRow(buildRow, await find(tx, id));
      }),
    setBuildState: (id, state, end) =>
      inTransaction(async (tx) => {
        const build = parseRow(buildRow, (await find(tx, id)) ?? missing());
        const next = transition(BUILD_STATES, build.state, state);
        await tx
          .updateTable('builds')
          .set({
            state: next,
            ...(isTerminal(BUILD_STATES, next) ? { finishedAtMs: clock.nowMs() } : {}),
            ...(end?.failure === undefined ? {} : { failure: JSON.stringify(end.failure) }),
            ...(end?.timingsMs === undefined ? {} : { timingsMs: JSON.stringify(end.timingsMs) }),
          })
          .where('id', '=', id)
          .execute();
        if (next === 'failed') await insertEvent(tx, clock, await buildFailed(tx, build, end?.failure));
      }),
    build: (id) => inTransaction(async (tx) => parseRowIfAny(buildRow, await find(tx, id))),
    builds: (appId, limit) =>
      inTransaction(async (tx) => {
        const newest = tx
          .selectFrom('builds')
          .selectAll()
          .where('appId', '=', appId)
          .orderBy('seq', 'desc')
          .limit(limit);
        return parseRows(buildRow, await newest.execute());
      }),
    unfinishedBuilds: () =>
      inTransaction(async (tx) => {
        const open = tx.selectFrom('builds').selectAll().where('state', 'in', ['queued', 'running']).orderBy('seq');
        return parseRows(buildRow, await open.execute());
      }),
    setBuildTimings: (id, timingsMs) =>
      inTransaction(async (tx) => {
        await tx
          .updateTable('builds')
          .set({ timingsMs: JSON.stringify(timingsMs) })
          .where('id', '=', id)
          .execute();
      }),
  };
}

async function buildStarted(
  tx: Tx,
  build: Pick<Build, 'appId' | 'userId' | 'commit'> & { readonly id: string },
): Promise<NewEvent> {
  const app = await appNameOf(tx, build.appId);
  const actor = await userActor(tx, build.userId);
  const message = `${actor} pushed ${build.commit.slice(0, 7)}; its build started.`;
  return { kind: 'build.started', actor, app, message, next: `slipway builds:output ${build.id} -a ${app ?? ''}` };
}

async function buildFailed(tx: Tx, build: Build, failure: Build['failure']): Promise<NewEvent> {
  const app = await appNameOf(tx, build.appId);
  const message = `The build of ${build.commit.slice(0, 7)} failed. ${failure?.message ?? ''}`.trim();
  return {
    kind: 'build.failed',
    actor: 'controller',
    app,
    message,
    next: `slipway builds:output ${build.id} -a ${app ?? ''}`,
  };
}

async function find(tx: Tx, id: string): Promise<unknown> {
  return await tx.selectFrom('builds').selectAll().where('id', '=', id).executeTakeFirst();
}

function missing(): never {
  throw notFound('build');
}
