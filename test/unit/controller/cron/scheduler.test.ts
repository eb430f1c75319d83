import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CronRuns } from '../../../../controller/cron/cron-runs.ts';
import { CronScheduler } from '../../../../controller/cron/scheduler.ts';
import type { AgentSession } from '../../../../controller/dispatch/agent-session.ts';
import { Commands } from '../../../../controller/dispatch/commands.ts';
import type { App } from '../../../../controller/domain/apps.ts';
import type { CronRun } from '../../../../controller/domain/cron.ts';
import type { OneOffs } from '../../../../controller/one-off/one-offs.ts';
import type { Store } from '../../../../controller/store/port.ts';
import type { CommandTask } from '../../../../shared/domain/command.ts';
import type { CronEntry } from '../../../../shared/domain/cron.ts';
import type { NodeId, TaskId } from '../../../../shared/domain/ids.ts';
import { parseUserName } from '../../../../shared/domain/names.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { randomId } from '../../../../shared/kit/random-id.ts';
import type { ControllerMessage } from '../../../../shared/rpc/messages.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';
import {
  addApp,
  addNode,
  addUser,
  newRelease,
  noChange,
  openMemoryStore,
  slugOf,
} from '../../../support/store-fixtures.ts';

const MINUTE = 60_000;
const ENTRY: CronEntry = {
  ...{ name: 'job', command: 'node job.js', schedule: '*/10 * * * *', timeZone: 'Etc/UTC', suspended: false },
  ...{ concurrency: 'allow', missed: 'run-once', timeoutMs: MINUTE * 60 * 24 },
};

interface Controller {
  readonly commands: Commands;
  readonly scheduler: CronScheduler;
  readonly stop: AbortController;
}

/** A database and a node that outlive controllers, and a clock for both. */
class World {
  readonly clock: VirtualClock;
  readonly sent: TaskId[] = [];
  readonly store: Store;
  readonly app: App;
  readonly #session: AgentSession;
  /** The next controller that reaches this stage dies there. */
  crashAt = '';
  hasRoom = true;
  controllers: Controller[] = [];

  constructor(parts: {
    readonly store: Store;
    readonly clock: VirtualClock;
    readonly app: App;
    readonly nodeId: NodeId;
  }) {
    this.store = parts.store;
    this.clock = parts.clock;
    this.app = parts.app;
    const send = (message: ControllerMessage): void => {
      if (message.kind === 'startTask') this.sent.push(message.task.taskId);
    };
    const hello = { taskKinds: ['cron', 'run'] };
    // A real session needs a stream. These are the fields that are read.
    this.#session = { nodeId: parts.nodeId, hello, send, warnOnce: () => undefined } as unknown as AgentSession;
  }

  static async open(): Promise<World> {
    const clock = new VirtualClock();
    const store = await openMemoryStore(clock);
    const app = await addApp(store, (await addUser(store)).id);
    return new World({ store, clock, app, nodeId: (await addNode(store)).id });
  }

  async deploy(...cron: readonly CronEntry[]): Promise<void> {
    const { store, app } = this;
    const { version } = await store.createRelease(newRelease(app, { slug: { ...slugOf('a'), cron } }));
    await store.beginRollout(app.id, version, noChange);
    await store.completeRollout(app.id, version, noChange);
  }

  /** Starts one more controller process on the same database. */
  async start(): Promise<Controller> {
    const { store, clock } = this;
    const stop = new AbortController();
    const failpoint = async (name: string): Promise<void> => {
      if (name === this.crashAt) {
        this.crashAt = '';
        stop.abort();
      }
      // A dead process does nothing more.
      if (stop.signal.aborted) await new Promise(() => undefined);
    };
    const parts = { store, clock, logger: silentLogger, failpoint, rejoinMs: 1_000 };
    const commands = new Commands({ ...parts, session: () => this.#session, nodeName: () => 'fra-1' });
    await commands.load();
    const runs = new CronRuns({ store, commands, failpoint, oneOffs: this.#oneOffs(commands) });
    const scheduler = new CronScheduler({ store, runs, clock, log: silentLogger });
    void scheduler.run(stop.signal);
    const controller = { commands, scheduler, stop };
    this.controllers.push(controller);
    return controller;
  }

  kill(): void {
    for (const { stop } of this.controllers) stop.abort();
    this.controllers = [];
  }

  async runs(): Promise<readonly CronRun[]> {
    return (await this.store.cronRuns(this.app.id, { limit: 1000 })).toReversed();
  }

  /** Minutes of the ticks that started a command, in their order. */
  async started(): Promise<readonly number[]> {
    return (await this.runs()).flatMap(({ command, tickMs }) =>
      command === undefined || tickMs === undefined ? [] : [minutesOf(tickMs)],
    );
  }

  async events(kind: string): Promise<readonly string[]> {
    const all = await this.store.events({ limit: 1000 });
    return all.flatMap((event) => (event.kind === kind ? [event.message] : []));
  }

  /** The node reports the end of a command. */
  end(id: TaskId, code = 0): void {
    const result = { exit: { code, oomKilled: false, atMs: 1 }, durationMs: 5 };
    for (const { commands } of this.controllers)
      commands.onResult(this.#session, { kind: 'taskResult', taskId: id, outcome: { ok: true, result } });
  }

  #oneOffs(commands: Commands): Pick<OneOffs, 'start'> {
    const { nodeId } = this.#session;
    return {
      start: async (app, { kind, command, timeoutMs, userId, release, record }) => {
        if (!this.hasRoom)
          throw new SlipwayError({ code: 'SLIP_COMMAND_NO_NODE', message: 'No node has room.', kind: 'conflict' });
        const row = await record!({
          ...{ id: randomId() as TaskId, kind, appId: app.id, nodeId, release: release.version, command },
          ...{ memoryBytes: 1, timeoutMs, graceMs: 10, userId },
        });
        // The task is passed on; nothing of it is read.
        await commands.start(row, { taskId: row.id } as unknown as CommandTask);
        return row;
      },
    };
  }
}

const minutesOf = (ms: number): number => (ms - Date.UTC(2026, 0, 1)) / MINUTE;

async function world(...cron: readonly CronEntry[]): Promise<World> {
  const opened = await World.open();
  await opened.deploy(...cron);
  await opened.start();
  await opened.clock.advance(1_000);
  return opened;
}

describe('the cron scheduler', () => {
  it('starts each tick once, and follows deploys', async () => {
    const at = await world(ENTRY);
    await at.clock.advance(25 * MINUTE);
    assert.deepEqual(await at.started(), [10, 20]);
    await at.deploy({ ...ENTRY, command: 'node other.js' });
    await at.clock.advance(5 * MINUTE);
    assert.deepEqual(await at.started(), [10, 20, 30]);
    assert.equal((await at.runs()).at(-1)?.command?.command, 'node other.js');
    await at.deploy({ ...ENTRY, schedule: '5 * * * *' });
    await at.clock.advance(60 * MINUTE);
    assert.deepEqual(await at.started(), [10, 20, 30, 65]);
    assert.equal(at.sent.length, 4);
    at.kill();
  });

  for (const stage of ['cron.due', 'command.recorded', 'command.running', 'command.sent', 'cron.started'])
    it(`runs a tick once when the controller dies at ${stage}`, async () => {
      const at = await world(ENTRY);
      at.crashAt = stage;
      await at.clock.advance(10 * MINUTE);
      assert.equal(at.crashAt, '', 'it died');
      at.kill();
      await at.clock.advance(3 * MINUTE);
      await at.start();
      await at.clock.advance(3 * MINUTE);
      assert.deepEqual(await at.started(), [10]);
      assert.equal(new Set(at.sent).size, at.sent.length);
      assert.ok(at.sent.length <= 1);
      await at.clock.advance(5 * MINUTE);
      assert.deepEqual(await at.started(), [10, 20]);
      at.kill();
    });

  it('runs each tick once when two controllers overlap', async () => {
    const at = await world(ENTRY);
    await at.start();
    await at.clock.advance(35 * MINUTE);
    assert.deepEqual(await at.started(), [10, 20, 30]);
    assert.equal(at.sent.length, 3);
    at.kill();
  });

  it('says what was missed while the controller was away, and runs it once', async () => {
    const skips = { ...ENTRY, name: 'skips', missed: 'skip' } as const;
    const at = await world(ENTRY, skips);
    at.kill();
    await at.clock.advance(34 * MINUTE);
    await at.start();
    await at.clock.advance(MINUTE);
    const runs = (await at.runs()).toSorted((a, b) => a.name.localeCompare(b.name));
    assert.deepEqual(
      runs.map(({ name, tickMs, skipped }) => [name, minutesOf(tickMs ?? 0), skipped?.code]),
      [
        ['job', 30, undefined],
        ['skips', 30, 'SLIP_CRON_MISSED'],
      ],
    );
    const missed = await at.events('cron.missed');
    assert.match(missed.join('\n'), /2 runs of job of hello, .*It runs once now\./);
    assert.match(missed.join('\n'), /3 runs of skips of hello, .*They do not run later/);
    at.kill();
  });

  it('follows the concurrency policy', async () => {
    const [forbid, replace] = [
      { ...ENTRY, name: 'forbid', concurrency: 'forbid' } as const,
      { ...ENTRY, name: 'replace', concurrency: 'replace' } as const,
    ];
    const at = await world(forbid, replace);
    await at.clock.advance(10 * MINUTE);
    const [, second] = await at.runs();
    await at.clock.advance(10 * MINUTE);
    const codes = async (): Promise<unknown[]> =>
      (await at.runs()).map(({ name, skipped, command }) => [name, skipped?.code ?? command?.state]);
    const before = [
      ['forbid', 'running'],
      ['replace', 'running'],
      ['forbid', 'SLIP_CRON_RUNNING'],
    ];
    assert.deepEqual(await codes(), before, 'the new run waits for the end of the former one');
    at.end(second!.command!.id, 143);
    await at.clock.advance(1_000);
    assert.deepEqual((await codes()).slice(3), [['replace', 'running']]);
    assert.equal((await at.events('cron.skipped')).length, 1);
    at.kill();
  });

  it('does not run suspended entries and stopped apps', async () => {
    const at = await world(ENTRY, { ...ENTRY, name: 'off', suspended: true });
    await at.store.setStopped(at.app.id, 'all', {
      by: parseUserName('ada'),
      event: { kind: 'app.stopped', message: 'Stopped.' },
    });
    await at.clock.advance(25 * MINUTE);
    assert.deepEqual(await at.started(), []);
    assert.deepEqual(
      (await at.runs()).map(({ name, skipped }) => [name, skipped?.code]),
      [
        ['job', 'SLIP_CRON_STOPPED'],
        ['job', 'SLIP_CRON_STOPPED'],
      ],
    );
    assert.equal((await at.events('cron.skipped')).length, 1);
    at.kill();
  });

  it('waits ten minutes for a node, then says that the tick did not run', async () => {
    const at = await world({ ...ENTRY, schedule: '0 * * * *' });
    at.hasRoom = false;
    await at.clock.advance(65 * MINUTE);
    assert.deepEqual(await at.runs(), []);
    at.hasRoom = true;
    await at.clock.advance(MINUTE);
    assert.deepEqual(await at.started(), [60]);
    at.hasRoom = false;
    await at.clock.advance(70 * MINUTE);
    assert.equal((await at.runs()).at(-1)?.skipped?.code, 'SLIP_COMMAND_NO_NODE');
    at.hasRoom = true;
    await at.clock.advance(50 * MINUTE);
    assert.deepEqual(await at.started(), [60, 180]);
    at.kill();
  });
});
