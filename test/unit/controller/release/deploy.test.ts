import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { App } from '../../../../controller/domain/apps.ts';
import type { PushOutcome, PushOutput } from '../../../../controller/push/port.ts';
import { AppLifetimes } from '../../../../controller/release/app-lifetimes.ts';
import { Deploys } from '../../../../controller/release/deploy.ts';
import type { Store } from '../../../../controller/store/port.ts';
import { parseUserName } from '../../../../shared/domain/names.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { noFailpoint } from '../../../../shared/kit/failpoint.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { FIGURES } from '../../../support/cli-screens.ts';
import { openReleaseLab } from '../../../support/release-lab.ts';
import { noChange, slugOf } from '../../../support/store-fixtures.ts';

/** A push of an app whose build is done. */
async function lab(scripts: (app: App, version: number, store: Store) => Promise<void>) {
  const { store, app, queue, releases, aborts } = await openReleaseLab();
  const build = await store.createBuild({ appId: app.id, userId: app.ownerId, commit: 'c'.repeat(40) });
  const result = { slug: slugOf('a'), stats: { timingsMs: {}, sourceBytes: 0, uploadedBytes: 0 } };
  const deploys = new Deploys({
    ...{ store, releases, queue, aborts, clock: systemClock, log: silentLogger, lifetimes: new AppLifetimes() },
    builds: { build: () => Promise.resolve({ build, result }) },
    postDeploy: {
      run: async (_app, version) => {
        await scripts(app, version, store);
        return [];
      },
    },
    fleet: { nodes: () => [], onChange: () => () => undefined },
    unusedImages: { during: (work) => work() },
    history: { grown: () => undefined },
    findSource: () => assert.fail('nobody fetches it'),
    commitTimeMs: () => Promise.resolve(0),
    readAppJson: () => Promise.resolve(undefined),
    randomSecret: () => 'f'.repeat(64),
    failpoint: noFailpoint,
    urlOf: () => 'http://hello.test',
  });
  const push = {
    app: { appId: app.id, name: app.name },
    user: { userId: app.ownerId, name: parseUserName('ada') },
    ...{ repositoryDir: '', ref: 'refs/heads/main', oldCommit: '0'.repeat(40), newCommit: 'c'.repeat(40) },
    ...{ acceptedAtMs: 0, timingsMs: {} },
  };
  const deploy = (output: PushOutput): Promise<PushOutcome> =>
    deploys.deploy(push, output, new AbortController().signal);
  return { store, app, deploy };
}

it('accepts a push whose code is live and runs its scripts, also when its result cannot be printed', async () => {
  const ran: number[] = [];
  const { store, app, deploy } = await lab((_app, version) => Promise.resolve(void ran.push(version)));
  const outcome = await deploy((text) => {
    if (String(text).includes('Released')) throw new Error('the line cannot be printed');
  });
  assert.deepEqual([outcome, ran, (await store.currentRelease(app.id))?.version], [{ ok: true }, [1], 1]);
});

it('prints the figures again when the release fails in its bake time while the scripts run', async () => {
  const { deploy } = await lab(async ({ id: appId }, release, store) => {
    const failure = { code: 'SLIP_APP_EXITED', message: 'web.1 exited with status 1.' };
    await store.failRelease(appId, release, failure, noChange);
    await store.beginSwitch({ appId, release, begun: [] });
    await store.setSwitchReport({ appId, release }, FIGURES);
  });
  let said = '';
  const outcome = await deploy((text) => (said += String(text)));
  assert.equal(outcome.ok, false);
  assert.match(said, /web\.1 exited with status 1\.[^]*\n {7}1 of 9 requests failed in the switch \(1 H13\)/);
});
