import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { abortDeploy, describeDeploy } from '../../../../../controller/api/operations/deploys.ts';
import type { App } from '../../../../../controller/domain/apps.ts';
import type { User } from '../../../../../controller/domain/users.ts';
import { DeployAborts } from '../../../../../controller/release/deploy-aborts.ts';
import type { Store } from '../../../../../controller/store/port.ts';
import type { TaskId } from '../../../../../shared/domain/ids.ts';
import { silentLogger } from '../../../../../shared/kit/log.ts';
import { randomId } from '../../../../../shared/kit/random-id.ts';
import { FIGURES } from '../../../../support/cli-screens.ts';
import {
  addApp,
  addNode,
  addUser,
  newRelease,
  noChange,
  openMemoryStore,
  slugOf,
} from '../../../../support/store-fixtures.ts';

interface Lab {
  readonly store: Store;
  readonly app: App;
  readonly user: User;
  readonly aborts: DeployAborts;
  readonly deps: Parameters<typeof describeDeploy>[0];
  /** A release whose scripts are due when it is live. */
  release(isLive: boolean): Promise<number>;
}

async function lab(): Promise<Lab> {
  const store = await openMemoryStore();
  const user = await addUser(store);
  const app = await addApp(store, user.id, 'shop');
  const aborts = new DeployAborts();
  const fleet = { node: () => undefined, status: () => undefined };
  const slug = { ...slugOf('a'), scripts: { predeploy: 'assets', postdeploy: 'notify' } };
  const release = async (isLive: boolean): Promise<number> => {
    const { version } = await store.createRelease(newRelease(app, { slug }));
    if (isLive) {
      await store.beginRollout(app.id, version, noChange);
      await store.completeRollout(app.id, version, noChange);
    }
    return version;
  };
  return {
    store,
    app,
    user,
    aborts,
    deps: { store, aborts, fleet, attachments: { list: () => [] }, log: silentLogger },
    release,
  };
}

const untilAborted = (abort: AbortSignal): Promise<void> =>
  new Promise((resolve) => abort.addEventListener('abort', () => resolve(), { once: true }));

describe('an abort of a deploy', () => {
  it('says that it stopped only the scripts when the release is live', async () => {
    const { store, app, user, aborts, deps, release } = await lab();
    await release(true);
    // As in a push: its work includes its scripts.
    const push = aborts.during(app.id, () => aborts.during(app.id, untilAborted, 'scripts'));
    const answer = await abortDeploy(deps, { app, user });
    await push;
    assert.deepEqual([answer.phase, answer.stoppedScripts], ['live', { version: 1, liveVersion: 1 }]);
    assert.deepEqual(await abortEvents(store, app), []);
  });

  it('says that it aborted the deploy when a newer release is not live yet', async () => {
    const { store, app, user, aborts, deps, release } = await lab();
    await release(true);
    const scripts = aborts.during(app.id, untilAborted, 'scripts');
    const version = await release(false);
    const rollout = aborts.during(app.id, async (abort) => {
      await untilAborted(abort);
      await store.failRelease(app.id, version, { code: 'SLIP_DEPLOY_ABORTED', message: 'Aborted.' }, noChange);
      await store.beginSwitch({ appId: app.id, release: version, begun: [] });
      await store.setSwitchReport({ appId: app.id, release: version }, FIGURES);
    });
    const answer = await abortDeploy(deps, { app, user });
    await Promise.all([scripts, rollout]);
    assert.deepEqual([answer.phase, answer.stoppedScripts], ['failed', undefined]);
    assert.deepEqual(answer.switch, FIGURES);
    assert.equal((await abortEvents(store, app)).length, 1);
  });

  it('is refused when nothing runs', async () => {
    const { app, user, deps, release } = await lab();
    await release(true);
    await assert.rejects(abortDeploy(deps, { app, user }), { code: 'SLIP_DEPLOY_NONE' });
  });
});

describe('the newest deploy', () => {
  for (const [label, isLive, script] of [
    ['predeploy', false, 'scripts.dokku.predeploy'],
    [undefined, false, undefined],
    ['postdeploy', true, 'scripts.dokku.postdeploy'],
  ] as const) {
    it(`has the command that runs: ${script ?? 'the release command'}`, async () => {
      const { store, app, deps, release } = await lab();
      const command = await store.createCommand({
        ...{ id: randomId() as TaskId, kind: 'release', appId: app.id, release: await release(isLive), label },
        ...{ nodeId: (await addNode(store)).id, command: 'x', memoryBytes: 1, timeoutMs: 1, graceMs: 1 },
      });
      assert.equal((await describeDeploy(deps, app)).command, undefined);
      await store.setTaskState(command.id, 'running');
      const shown = (await describeDeploy(deps, app)).command;
      assert.deepEqual([shown?.name, shown?.script], [command.process, script]);
    });
  }
});

async function abortEvents(store: Store, app: App): Promise<readonly unknown[]> {
  const events = await store.events({ appId: app.id, limit: 50 });
  return events.filter(({ kind }) => kind === 'deploy.aborted');
}
