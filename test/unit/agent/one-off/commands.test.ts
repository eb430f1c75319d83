import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Commands, type CommandsDeps } from '../../../../agent/one-off/commands.ts';
import { createCommandRecords, type CommandOutcome } from '../../../../agent/one-off/record.ts';
import { commandSpec } from '../../../../agent/sandbox/dyno.ts';
import { FakeSandbox, type FakeBehaviour } from '../../../../agent/sandbox/fake/driver.ts';
import type { CommandTask } from '../../../../shared/domain/command.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { noFailpoint } from '../../../../shared/kit/failpoint.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { anyCommandTask } from '../../../support/arbitraries.ts';
import { eventually } from '../../../support/eventually.ts';

const [sample] = fc.sample(anyCommandTask, { numRuns: 1, seed: 1 });
assert.ok(sample !== undefined);
const task: CommandTask = { ...sample, command: 'migrate', process: 'release.12', timeoutMs: 60_000, graceMs: 20 };
const SECOND = { ...task, taskId: 'task00000002' as typeof task.taskId };

interface Machine {
  readonly sandbox: FakeSandbox;
  readonly results: CommandOutcome[];
  readonly output: string[];
  /** A new agent on the same machine. */
  agent(change?: Partial<CommandsDeps>): Commands;
}

function machine(behaviour: FakeBehaviour): Machine {
  const dir = mkdtempSync(join(tmpdir(), 'commands-'));
  const sandbox = new FakeSandbox({ clock: systemClock, dir, behaviour: () => behaviour });
  const results: CommandOutcome[] = [];
  const output: string[] = [];
  const agent = (change: Partial<CommandsDeps> = {}): Commands =>
    new Commands({
      records: createCommandRecords(join(dir, 'commands')),
      sandbox,
      images: { ensure: () => Promise.resolve(), mount: () => Promise.resolve('/layer') },
      logs: { write: () => Promise.resolve() },
      logBook: { add: () => undefined, end: () => [] },
      spec: commandSpec,
      readLog: async ({ skipBytes, emit }) => emit(Buffer.from('0123456789'.slice(skipBytes))),
      output: (_taskId, chunk) => output.push(Buffer.from(chunk).toString()),
      result: (_taskId, outcome) => results.push(outcome),
      ...{ clock: systemClock, random: () => 0, failpoint: noFailpoint, log: silentLogger },
      ...change,
    });
  return { sandbox, results, output, agent };
}

const codeOf = (outcome: CommandOutcome | undefined): unknown =>
  outcome !== undefined && 'exit' in outcome ? (outcome.exit.code ?? outcome.exit.signal) : outcome?.code;
const never = (): Promise<never> => new Promise(() => undefined);

describe('the commands of an agent', () => {
  it('run once, print their output before their result, and keep the result until the controller has stored it', async () => {
    const { sandbox, results, output, agent } = machine({ exitAfterMs: 0, exitCode: 3 });
    const commands = agent();
    commands.start(task);
    commands.start(task);
    assert.deepEqual([commands.held(), commands.runningOf(task.appId)], [[task.taskId], [task.taskId]]);
    await eventually('the result', () => results.length === 1);
    assert.deepEqual([codeOf(results[0]), output], [3, ['0123456789']]);
    assert.deepEqual([commands.runningOf(task.appId), commands.endedOf(task.appId)], [[], [task.taskId]]);
    commands.welcomed([]);
    assert.equal(results.length, 2);
    await commands.acknowledged(task.taskId);
    assert.deepEqual(
      [commands.held(), sandbox.calls.filter((call) => call.startsWith('start'))],
      [[], [`start ${task.taskId}`]],
    );
  });

  it('are removed again when the first removal fails', async () => {
    const { sandbox, results, agent } = machine({ exitAfterMs: 0, exitCode: 0 });
    const commands = agent();
    commands.start(task);
    await eventually('the result', () => results.length === 1);
    let left = 1;
    sandbox.destroy = async () => {
      if ((left -= 1) >= 0) throw new Error('the device is busy');
    };
    await Promise.all([commands.acknowledged(task.taskId), commands.acknowledged(task.taskId)]);
    assert.deepEqual([commands.held(), left], [[], -1]);
  });

  it('get SIGTERM when they are cancelled, and SIGKILL when they ignore it', async () => {
    const { sandbox, results, agent } = machine({ ignoreTerm: true });
    const commands = agent();
    commands.start(task);
    await eventually('the start', async () => (await sandbox.inspect(task.taskId))?.phase === 'running');
    commands.cancel(task.taskId);
    await eventually('the result', () => results.length === 1);
    assert.equal(codeOf(results[0]), 'SIGKILL');
  });

  it('end at their time limit', async () => {
    const { results, agent } = machine({});
    agent().start({ ...task, timeoutMs: 5 });
    await eventually('the result', () => results.length === 1);
    const [result] = results;
    assert.ok(result !== undefined && 'exit' in result);
    assert.deepEqual([result.exit.signal, result.endedBy], ['SIGTERM', 'timeout']);
  });

  it('outlive the agent: the next agent follows them, and continues their output', async () => {
    const { sandbox, results, output, agent } = machine({});
    const first = agent({ readLog: () => never(), result: () => assert.fail('the first agent is gone') });
    first.start(task);
    await eventually('the start', async () => (await sandbox.inspect(task.taskId))?.phase === 'running');
    const next = agent();
    await next.adopt();
    next.welcomed([{ taskId: task.taskId, outputBytes: 4, outputLines: 0 }]);
    sandbox.crash(task.taskId, { code: 0 });
    await eventually('the result', () => results.length === 1);
    assert.deepEqual([codeOf(results[0]), output], [0, ['456789']]);
  });

  it('report to the next agent whether they ran, when their sandbox is gone', async () => {
    const { sandbox, results, agent } = machine({});
    const ensure = (_: unknown, signal: AbortSignal): Promise<never> =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    const first = agent({ images: { ensure, mount: () => never() } });
    first.start(SECOND);
    const other = agent();
    other.start(task);
    await eventually('the start', async () => (await sandbox.inspect(task.taskId))?.phase === 'running');
    await first.stop();
    await other.stop();
    await sandbox.destroy(task.taskId);
    const next = agent();
    await next.adopt();
    next.welcomed([]);
    await eventually('the result', () => results.length === 2);
    assert.deepEqual(new Set(results.map(codeOf)), new Set(['SLIP_COMMAND_UNKNOWN', 'SLIP_COMMAND_NOT_STARTED']));
    await next.forget(task.appId);
    assert.deepEqual(next.held(), []);
  });

  it('send the failure of their start', async () => {
    const { results, agent } = machine({ failAtPrepare: true });
    agent().start(task);
    await eventually('the result', () => results.length === 1);
    assert.equal(codeOf(results[0]), 'SLIP_SANDBOX_FAKE');
  });
});
