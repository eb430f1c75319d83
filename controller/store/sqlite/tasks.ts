import { isTerminal, TASK_STATES, transition } from '../../../shared/domain/states.ts';
import type { TaskStore } from '../task-port.ts';
import { notFound, type RepositoryDeps } from './repository.ts';
import { parseRow, parseRowIfAny, parseRows, taskRow } from './rows.ts';
import type { Tx } from './schema.ts';

export function createTasks({ inTransaction, clock }: RepositoryDeps): TaskStore {
  return {
    createTask: ({ id, kind, appId, nodeId, buildId = null }) =>
      inTransaction(async (tx) => {
        const row = { id, kind, appId, nodeId, buildId, state: 'pending', createdAtMs: clock.nowMs() };
        await tx.insertInto('tasks').values(row).execute();
      }),
    setTaskState: (id, state, failure) =>
      inTransaction(async (tx) => {
        const found = await find(tx, id);
        if (found === undefined) throw notFound('task');
        const next = transition(TASK_STATES, parseRow(taskRow, found).state, state);
        const nowMs = clock.nowMs();
        await tx
          .updateTable('tasks')
          .set({
            state: next,
            ...(next === 'running' ? { startedAtMs: nowMs } : {}),
            ...(isTerminal(TASK_STATES, next) ? { finishedAtMs: nowMs } : {}),
            ...(failure === undefined ? {} : { failure: JSON.stringify(failure) }),
          })
          .where('id', '=', id)
          .execute();
      }),
    task: (id) => inTransaction(async (tx) => parseRowIfAny(taskRow, await find(tx, id))),
    unfinishedTasks: () =>
      inTransaction(async (tx) => {
        const open = tx.selectFrom('tasks').selectAll().where('state', 'in', ['pending', 'running']).orderBy('seq');
        return parseRows(taskRow, await open.execute());
      }),
  };
}

async function find(tx: Tx, id: string): Promise<unknown> {
  return await tx.selectFrom('tasks').selectAll().where('id', '=', id).executeTakeFirst();
}
