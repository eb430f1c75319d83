import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StepRunner, type StepRunnerDeps } from '../../../../controller/one-off/step-runner.ts';
import type { ReleaseStep } from '../../../../controller/one-off/release-step.ts';
import type { CommandRow } from '../../../../controller/domain/commands.ts';
import type { Failure } from '../../../../controller/assignments/instance-failure.ts';
import type { TaskId } from '../../../../shared/domain/ids.ts';
import type { Slug } from '../../../../shared/domain/slug.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { addApp, addUser, newRelease, openMemoryStore, slugOf } from '../../../support/store-fixtures.ts';
import { eventually } from '../../../support/eventually.ts';

const SLUG = { ...slugOf('a'), processTypes: { web: 'serve', release: 'migrate' } };

interface Lab {
  readonly printed: string[];
  readonly starts: string[];
  readonly cancelled: TaskId[];
  readonly end: (row: Partial<CommandRow>) => void;
  output(): Promise<string | undefined>;
  run(givenUp?: AbortSignal, signal?: AbortSignal): Promise<Failure | undefined>;
}

async function lab(
  change: {
    readonly known?: Partial<CommandRow>;
    readonly refusal?: SlipwayError;
    readonly step?: ReleaseStep;
    readonly slug?: Slug;
  } = {},
): Promise<Lab> {
  const { step = { command: 'migrate' }, slug = SLUG } = change;
  const store = await openMemoryStore();
  const app = await addApp(store, (await addUser(store)).id);
  const release = await store.createRelease(newRelease(app, { slug }));
  // The fields that a release phase reads of a command.
  const row = {
    id: 'task00000001',
    appId: app.id,
    release: release.version,
    state: 'running',
  } as unknown as CommandRow;
  const [printed, starts, cancelled]: [string[], string[], TaskId[]] = [[], [], []];
  const ended = Promise.withResolvers<CommandRow>();
  const deps: StepRunnerDeps = {
    store: {
      commandOfRelease: () => Promise.resolve(change.known === undefined ? undefined : { ...row, ...change.known }),
      appendReleaseOutput: (...output) => store.appendReleaseOutput(...output),
      releaseOutput: (...which) => store.releaseOutput(...which),
    },
    oneOffs: {
      start: (_app, { command }) => {
        starts.push(command);
        return change.refusal === undefined ? Promise.resolve(row) : Promise.reject(change.refusal);
      },
    },
    commands: {
      start: () => Promise.resolve(),
      cancel: (id) => Promise.resolve(void cancelled.push(id)),
      ended: (_id, watch) => {
        watch?.('migrated\n');
        return ended.promise;
      },
      onProgress: () => () => undefined,
      takes: () => true,
    },
    ...{ clock: systemClock, log: silentLogger, roomTimeoutMs: 0 },
  };
  const print = (text: string): number => printed.push(text);
  return {
    ...{ printed, starts, cancelled },
    end: (last) => ended.resolve({ ...row, ...last }),
    output: () => store.releaseOutput(app.id, release.version),
    run: (givenUp, signal = new AbortController().signal) =>
      new StepRunner(deps).run(app, release, {
        step,
        io: { signal, givenUp, print, letMovesPass: () => Promise.resolve() },
      }),
  };
}

describe('a command of a release', () => {
  it('runs, and copies its output to the push', async () => {
    const { run, end, printed, starts } = await lab();
    end({ state: 'succeeded' });
    assert.equal(await run(), undefined);
    assert.deepEqual([starts, printed], [['migrate'], ['-----> Running release command...\n', 'migrated\n']]);
  });

  it('fails with the command, and names the output', async () => {
    const { run, end } = await lab();
    end({
      state: 'failed',
      failure: { code: 'SLIP_COMMAND_FAILED', message: 'release.1 of hello exited with status 1.' },
    });
    const failure = await run();
    assert.equal(failure?.message, 'The release command failed: release.1 of hello exited with status 1.');
    assert.equal(failure.hint, 'Look at its output with: slipway releases:output v1 -a hello');
  });

  it('follows a command that it has started before, and starts no second one', async () => {
    const { run, end, starts } = await lab({ known: {} });
    end({ state: 'succeeded' });
    assert.equal(await run(), undefined);
    assert.deepEqual(starts, []);
  });

  it('stops the command when the push is aborted, but not when the controller stops', async () => {
    const push = new AbortController();
    const first = await lab();
    const running = first.run(push.signal);
    await eventually('the output', () => first.printed.length === 2);
    push.abort();
    await eventually('the cancellation', () => first.cancelled.length === 1);
    first.end({ state: 'cancelled', failure: { code: 'SLIP_COMMAND_CANCELLED', message: 'Stopped.' } });
    assert.equal((await running)?.code, 'SLIP_COMMAND_CANCELLED');
    const [stop, second] = [new AbortController(), await lab()];
    const following = second.run(AbortSignal.any([stop.signal]), stop.signal);
    await eventually('the output', () => second.printed.length === 2);
    stop.abort(new Error('stopping'));
    await assert.rejects(following, /stopping/);
    assert.deepEqual(second.cancelled, []);
  });

  it('fails when no node has room, and passes other errors on', async () => {
    const refusal = (code: string): SlipwayError => new SlipwayError({ code, kind: 'conflict', message: 'Full.' });
    const full = await lab({ refusal: refusal('SLIP_COMMAND_NO_NODE') });
    assert.equal((await full.run())?.code, 'SLIP_COMMAND_NO_NODE');
    const old = await lab({ refusal: refusal('SLIP_TASK_KIND') });
    await assert.rejects(old.run(), { code: 'SLIP_TASK_KIND' });
  });

  it('is named in the push and in the output of the release when the release has scripts', async () => {
    const step = { script: 'predeploy', command: 'sh assets.sh' } as const;
    const { run, end, printed, output } = await lab({
      step,
      slug: { ...SLUG, scripts: { predeploy: 'sh assets.sh' } },
    });
    end({ state: 'failed', failure: { code: 'SLIP_COMMAND_FAILED', message: 'It exited with status 1.' } });
    assert.equal((await run())?.message, 'scripts.dokku.predeploy failed: It exited with status 1.');
    assert.match(printed[0] ?? '', /Running scripts\.dokku\.predeploy of app\.json\.\.\.\n.*Files .* are not kept/);
    assert.equal(await output(), '=== release.predeploy.1: scripts.dokku.predeploy of app.json\n');
  });

  it('is named once when the next controller follows it', async () => {
    const step = { script: 'postdeploy', command: 'notify' } as const;
    const given = await lab({ step, known: {}, slug: { ...SLUG, scripts: { postdeploy: 'notify' } } });
    given.end({ state: 'succeeded' });
    await given.run();
    await given.run();
    const head = '=== release.postdeploy.1: scripts.dokku.postdeploy of app.json\n';
    assert.equal(await given.output(), head);
  });
});
