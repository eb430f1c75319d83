import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Tasks, type TasksDeps } from '../../../../agent/tasks/tasks.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';
import { noFailpoint } from '../../../../shared/kit/failpoint.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { anyBuildResult, anyBuildTask } from '../../../support/arbitraries.ts';

const [task] = fc.sample(anyBuildTask, { numRuns: 1, seed: 1 });
const [built] = fc.sample(anyBuildResult, { numRuns: 1, seed: 2 });
assert.ok(task !== undefined && built !== undefined);

interface Lab {
  readonly tasks: Tasks;
  readonly results: unknown[];
  readonly output: string[];
  readonly ended: Promise<undefined>;
}

function lab(build: TasksDeps['runners']['build']): Lab {
  const results: unknown[] = [];
  const output: string[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<undefined>();
  const tasks = new Tasks({
    runners: { build },
    output: (_taskId, chunk) => output.push(Buffer.from(chunk).toString()),
    result: (_taskId, outcome) => results.push(outcome),
    ended: () => resolve(undefined),
    failpoint: noFailpoint,
    log: silentLogger,
  });
  return { tasks, results, output, ended };
}

describe('the tasks of an agent', () => {
  it('run once with the runner of their kind, and send output and one result', async () => {
    let runs = 0;
    const { tasks, results, output, ended } = lab((_task, io) => {
      runs += 1;
      io.output(Buffer.from('a line'));
      return Promise.resolve(built);
    });
    tasks.start(task);
    tasks.start(task);
    assert.deepEqual([tasks.running(), tasks.runningOf(task.appId)], [[task.taskId], [task.taskId]]);
    await ended;
    assert.deepEqual([runs, output, results, tasks.running()], [1, ['a line'], [built], []]);
  });

  it('send the failure of their runner, and stop when they are cancelled', async () => {
    const { tasks, results, ended } = lab(
      (_task, { signal }) =>
        new Promise((_resolve, reject) => {
          const failure = new SlipwayError({
            code: 'SLIP_BUILD_CANCELLED',
            message: 'Cancelled.',
            hint: 'Push again.',
          });
          signal.addEventListener('abort', () => reject(failure));
        }),
    );
    tasks.start(task);
    await new Promise(setImmediate);
    tasks.cancel(task.taskId);
    await ended;
    assert.deepEqual(results, [{ code: 'SLIP_BUILD_CANCELLED', message: 'Cancelled.', hint: 'Push again.' }]);
  });
});
