import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { App } from '../../controller/domain/apps.ts';
import type { CommandRow, NewCommand } from '../../controller/domain/commands.ts';
import type { Store } from '../../controller/store/port.ts';
import type { CronEntry } from '../../shared/domain/cron.ts';
import type { TaskId } from '../../shared/domain/ids.ts';
import { parseUserName } from '../../shared/domain/names.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { addApp, addNode, addUser, newRelease, noChange, slugOf } from '../support/store-fixtures.ts';

const ENTRY: CronEntry = {
  ...{ name: 'report', command: 'node report.js', schedule: '@daily', timeZone: 'Etc/UTC', suspended: false },
  ...{ concurrency: 'allow', missed: 'run-once', timeoutMs: 1_000 },
};
const FAILED = { result: { exit: { code: 3, oomKilled: false, atMs: 5 }, durationMs: 3 } };
const DONE = { result: { exit: { code: 0, oomKilled: false, atMs: 5 }, durationMs: 3 } };
const EVENT = { kind: 'cron.test', actor: 'controller', message: 'A test.' };

interface Given {
  readonly store: Store;
  readonly app: App;
  deploy(cron: readonly CronEntry[] | undefined): Promise<void>;
  run(tickMs?: number): Promise<CommandRow>;
  decided(): Promise<readonly number[]>;
}

async function given(store: Store): Promise<Given> {
  const app = await addApp(store, (await addUser(store)).id);
  const node = await addNode(store);
  const deploy = async (cron: readonly CronEntry[] | undefined): Promise<void> => {
    const slug = { ...slugOf('a'), ...(cron === undefined ? {} : { cron }) };
    const { version } = await store.createRelease(newRelease(app, { slug }));
    await store.beginRollout(app.id, version, noChange);
    await store.completeRollout(app.id, version, noChange);
  };
  const command = (): NewCommand => ({
    ...{ id: randomId() as TaskId, kind: 'cron', appId: app.id, nodeId: node.id, release: 1, command: 'ls' },
    ...{ memoryBytes: 1, timeoutMs: 1000, graceMs: 10 },
  });
  const run = (tickMs?: number): Promise<CommandRow> =>
    store.createCronRun({ appId: app.id, name: 'report', tickMs, events: [EVENT] }, command());
  const decided = async (): Promise<readonly number[]> =>
    (await store.readCronJobs()).map(({ decidedMs }) => decidedMs);
  return { store, app, deploy, run, decided };
}

/** Cron entries, their ticks and their runs. */
export function cronCases(get: () => Store): void {
  entryCases(get);
  runCases(get);
}

function entryCases(get: () => Store): void {
  it('has the cron entries of current releases, and keeps their state over deploys', async () => {
    const { store, app, deploy } = await given(get());
    await deploy(undefined);
    assert.deepEqual(await store.readCronJobs(), []);
    await deploy([ENTRY, { ...ENTRY, name: 'worker', command: undefined, processType: 'worker' }]);
    const [report, worker] = await store.readCronJobs();
    assert.deepEqual([report?.app.id, report?.entry, report?.command], [app.id, ENTRY, 'node report.js']);
    assert.equal(worker?.command, 'node worker.js');
    await store.setCronDecided([{ appId: app.id, name: 'report', decidedMs: 7 }]);
    await deploy([{ ...ENTRY, command: 'node other.js' }]);
    const [again, ...others] = await store.cronJobsOfApp(app.id);
    assert.deepEqual([again?.decidedMs, again?.command, others.length], [7, 'node other.js', 0]);
  });

  it('gives an entry with a new schedule, and one that returns, no ticks of before', async () => {
    const { store, app, deploy, decided } = await given(get());
    const rewind = (): Promise<void> => store.setCronDecided([{ appId: app.id, name: 'report', decidedMs: 7 }]);
    await deploy([ENTRY]);
    await store.readCronJobs();
    await rewind();
    await deploy([{ ...ENTRY, schedule: '@hourly' }]);
    assert.ok(((await decided())[0] ?? 0) > 7);
    await rewind();
    await deploy(undefined);
    assert.deepEqual(await decided(), []);
    await deploy([{ ...ENTRY, schedule: '@hourly' }]);
    assert.ok(((await decided())[0] ?? 0) > 7);
  });

  it('keeps what the owner suspended, and removes everything with the app', async () => {
    const { store, app, deploy, run } = await given(get());
    await deploy([ENTRY]);
    assert.equal((await store.readCronJobs())[0]?.suspended, undefined);
    await store.setCronSuspended({ appId: app.id, name: 'report' }, true, EVENT);
    await deploy([{ ...ENTRY, timeoutMs: 9_000 }]);
    assert.equal((await store.readCronJobs())[0]?.suspended, true);
    await store.setCronSuspended({ appId: app.id, name: 'report' }, false, EVENT);
    assert.equal((await store.readCronJobs())[0]?.suspended, false);
    await run(60_000);
    await store.destroyApp(app.id, parseUserName('ada'));
    assert.deepEqual([await store.readCronJobs(), await store.cronRuns(app.id, { limit: 9 })], [[], []]);
  });
}

function runCases(get: () => Store): void {
  it('records a tick once, with its command and its event, and decides it', async () => {
    const { store, app, deploy, run, decided } = await given(get());
    await deploy([ENTRY]);
    await store.readCronJobs();
    const first = await run(60_000);
    assert.equal(first.process, 'cron.report.1');
    assert.deepEqual(await decided(), [60_000]);
    const events = async (): Promise<number> =>
      (await store.events({ limit: 100 })).filter(({ kind }) => kind === 'cron.test').length;
    assert.equal(await events(), 1);
    await assert.rejects(run(60_000), { code: 'SLIP_CRON_TICK' });
    assert.equal(await events(), 1);
    assert.equal((await store.commandsOfApp(app.id, 9)).length, 1);
    await run();
    await run();
    assert.equal((await store.runningCron({ appId: app.id, name: 'report' })).length, 3);
    await store.removeCommand(first.id);
    assert.deepEqual(await decided(), [59_999], 'a command that has not run leaves its tick undecided');
    assert.equal((await run(60_000)).process, 'cron.report.4');
  });

  it('says why a tick did not run, with one event for the same reason', async () => {
    const { store, app, deploy, decided } = await given(get());
    await deploy([ENTRY]);
    await store.readCronJobs();
    const why = { code: 'SLIP_CRON_STOPPED', message: 'It is stopped.' };
    const skip = (tickMs: number): Promise<void> =>
      store.skipCronTick({ appId: app.id, name: 'report', tickMs, events: [EVENT] }, why);
    for (const tickMs of [1_000, 2_000, 2_000]) await skip(tickMs);
    assert.deepEqual(await decided(), [2_000]);
    const runs = await store.cronRuns(app.id, { name: 'report', limit: 9 });
    assert.deepEqual(
      runs.map(({ tickMs, skipped, command }) => [tickMs, skipped, command]),
      [
        [2_000, why, undefined],
        [1_000, why, undefined],
      ],
    );
    assert.equal((await store.events({ limit: 100 })).filter(({ kind }) => kind === 'cron.test').length, 1);
  });

  it('names the entries whose last run failed, with one event while they keep failing', async () => {
    const { store, app, deploy, run } = await given(get());
    await deploy([ENTRY]);
    await store.readCronJobs();
    const end = async (how: typeof DONE): Promise<void> => {
      const { id } = await run();
      await store.setTaskState(id, 'running');
      await store.endCommand(id, how);
    };
    const failed = async (): Promise<readonly string[]> => (await store.failedCron()).map(({ process }) => process);
    for (const how of [FAILED, FAILED]) await end(how);
    await run();
    assert.deepEqual(await failed(), ['cron.report.2']);
    assert.deepEqual(await store.failedCron(app.id), await store.failedCron());
    const events = await store.events({ limit: 100 });
    const told = events.filter(({ kind }) => kind === 'cron.failed');
    assert.deepEqual(
      told.map(({ instance, message }) => [instance, message]),
      [['cron.report.1', 'cron.report.1 of hello exited with status 3.']],
    );
    await end(DONE);
    assert.deepEqual(await failed(), []);
    await end(FAILED);
    await deploy(undefined);
    await store.readCronJobs();
    assert.deepEqual(await failed(), [], 'an entry that is gone needs no attention');
  });

  it('keeps the last 20 runs of each entry', async () => {
    const { store, app, deploy, run } = await given(get());
    await deploy([ENTRY]);
    const running = await run();
    for (let at = 0; at < 25; at += 1) {
      const { id } = await run(at + 1);
      await store.setTaskState(id, 'running');
      await store.endCommand(id, DONE);
    }
    await run(100);
    const runs = await store.cronRuns(app.id, { limit: 1000 });
    assert.equal(runs.length, 21, 'and those that run');
    assert.equal(runs.at(-1)?.command?.id, running.id);
    assert.equal((await store.commandsOfApp(app.id, 1000)).length, 21);
  });
}
