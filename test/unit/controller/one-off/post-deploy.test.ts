import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Failure } from '../../../../controller/assignments/instance-failure.ts';
import type { App } from '../../../../controller/domain/apps.ts';
import { PostDeployScripts, type PostDeployScriptsDeps } from '../../../../controller/one-off/post-deploy.ts';
import { AppLifetimes, appDestroyed } from '../../../../controller/release/app-lifetimes.ts';
import { DeployAborts, deployAborted } from '../../../../controller/release/deploy-aborts.ts';
import type { Store } from '../../../../controller/store/port.ts';
import { noFailpoint } from '../../../../shared/kit/failpoint.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { eventually } from '../../../support/eventually.ts';
import { addApp, addUser, newRelease, noChange, openMemoryStore, slugOf } from '../../../support/store-fixtures.ts';

type Run = PostDeployScriptsDeps['steps']['run'];

interface Lab {
  readonly store: Store;
  readonly app: App;
  readonly ran: string[];
  readonly printed: string[];
  readonly aborts: DeployAborts;
  readonly lifetimes: AppLifetimes;
  readonly stop: AbortController;
  readonly scripts: PostDeployScripts;
  run(): Promise<readonly Failure[]>;
}

const FAILURE = { code: 'SLIP_COMMAND_FAILED', message: 'scripts.postdeploy failed: it exited with status 3.' };
const SLUG = { ...slugOf('a'), scripts: { predeploy: 'assets', setup: 'seed', postdeploy: 'notify' } };

/** An app whose first release has just become current. */
async function lab(run: Run = () => Promise.resolve(undefined)): Promise<Lab> {
  const store = await openMemoryStore();
  const app = await addApp(store, (await addUser(store)).id);
  const { version } = await store.createRelease(newRelease(app, { slug: SLUG }));
  await store.beginRollout(app.id, version, noChange);
  await store.completeRollout(app.id, version, noChange);
  const [ran, printed, stop]: [string[], string[], AbortController] = [[], [], new AbortController()];
  const [aborts, lifetimes] = [new DeployAborts(), new AppLifetimes()];
  const steps: PostDeployScriptsDeps['steps'] = {
    run: (...args) => {
      ran.push(args[2].step.command);
      return run(...args);
    },
  };
  const parts = { lifetimes, aborts, failpoint: noFailpoint, log: silentLogger, signal: stop.signal };
  const scripts = new PostDeployScripts({ store, steps, ...parts });
  const print = (text: string): void => void printed.push(text);
  const made = { store, app, ran, printed, aborts, lifetimes, stop, scripts };
  return { ...made, run: () => scripts.run(app, version, print) };
}

/** Ends like a command that is followed until a signal aborts. */
const untilAborted = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error));
  });

const untilItRuns = ({ ran }: Lab): Promise<unknown> => eventually('a script runs', () => ran.length === 1);

describe('the scripts of app.json after a deploy', () => {
  it('run once, in their order', async () => {
    const { store, app, ran, scripts, run } = await lab();
    await run();
    await run();
    await (
      await scripts.resume(app)
    )();
    assert.deepEqual([ran, await store.dueScripts(app.id)], [['seed', 'notify'], []]);
  });

  it('do not change the release when they fail: the push and an event say it, and the next script runs', async () => {
    const { store, app, ran, printed, run } = await lab((_app, _release, { step }) =>
      Promise.resolve(step.command === 'seed' ? FAILURE : undefined),
    );
    assert.deepEqual(await run(), [FAILURE]);
    assert.deepEqual([ran, (await store.currentRelease(app.id))?.version], [['seed', 'notify'], 1]);
    assert.match(printed.join(''), /failed: it exited with status 3\.\n !     This does not change v1,/);
    const events = await store.events({ appId: app.id, limit: 20 });
    const event = events.find(({ kind }) => kind === 'release.script-failed');
    assert.equal(event?.message, `${FAILURE.message} This does not change v1.`);
    assert.equal(event.next, 'slipway releases:output v1 -a hello');
  });

  it('stay due when the controller stops, and the next controller runs them', async () => {
    const first = await lab((_app, _release, { io }) => untilAborted(io.signal));
    const running = first.run();
    await untilItRuns(first);
    first.stop.abort(new Error('stopping'));
    await running;
    assert.match(first.printed.join(''), /continue after its next start/);
    assert.equal((await first.store.dueScripts(first.app.id)).length, 2);
  });

  it('are stopped when the deploy is aborted', async () => {
    const given = await lab(async (_app, _release, { io }) => {
      if (io.givenUp?.aborted !== true) await untilAborted(io.givenUp).catch(() => undefined);
      return FAILURE;
    });
    const running = given.run();
    await untilItRuns(given);
    assert.deepEqual(await given.aborts.abort(given.app.id, deployAborted('bob')), new Set(['scripts']));
    await running;
    assert.deepEqual(await given.store.dueScripts(given.app.id), []);
  });

  it('end with their app', async () => {
    const given = await lab((_app, _release, { io }) => untilAborted(io.signal));
    const running = given.run();
    await untilItRuns(given);
    given.lifetimes.end(given.app.id, appDestroyed(given.app.name));
    await running;
    assert.deepEqual(given.printed, []);
  });

  it('do not run for a release that failed in its bake', async () => {
    const { store, app, ran, run } = await lab();
    await store.failRelease(app.id, 1, FAILURE, noChange);
    await run();
    assert.deepEqual([ran, await store.dueScripts(app.id)], [[], []]);
  });
});
