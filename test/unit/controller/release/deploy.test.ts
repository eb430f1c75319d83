import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AppLifetimes } from '../../../../controller/release/app-lifetimes.ts';
import { Deploys } from '../../../../controller/release/deploy.ts';
import { parseUserName } from '../../../../shared/domain/names.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { openReleaseLab } from '../../../support/release-lab.ts';
import { slugOf } from '../../../support/store-fixtures.ts';

it('accepts a push whose code is live and runs its scripts, also when its result cannot be printed', async () => {
  const { store, app, queue, releases, aborts } = await openReleaseLab();
  const ran: number[] = [];
  const build = await store.createBuild({ appId: app.id, userId: app.ownerId, commit: 'c'.repeat(40) });
  const result = { slug: slugOf('a'), stats: { timingsMs: {}, sourceBytes: 0, uploadedBytes: 0 } };
  const deploys = new Deploys({
    ...{ store, releases, queue, aborts, clock: systemClock, log: silentLogger, lifetimes: new AppLifetimes() },
    builds: { build: () => Promise.resolve({ build, result }) },
    postDeploy: {
      run: (_app, version) => {
        ran.push(version);
        return Promise.resolve([]);
      },
    },
    fleet: { nodes: () => [], onChange: () => () => undefined },
    unusedImages: { during: (work) => work() },
    history: { grown: () => undefined },
    findSource: () => assert.fail('nobody fetches it'),
    commitTimeMs: () => Promise.resolve(0),
    readAppJson: () => Promise.resolve(undefined),
    randomSecret: () => 'f'.repeat(64),
    urlOf: () => 'http://hello.test',
  });
  const push = {
    app: { appId: app.id, name: app.name },
    user: { userId: app.ownerId, name: parseUserName('ada') },
    ...{ repositoryDir: '', ref: 'refs/heads/main', oldCommit: '0'.repeat(40), newCommit: 'c'.repeat(40) },
    ...{ acceptedAtMs: 0, timingsMs: {} },
  };
  const output = (text: string | Uint8Array): void => {
    if (String(text).includes('Released')) throw new Error('the line cannot be printed');
  };
  const outcome = await deploys.deploy(push, output, new AbortController().signal);
  assert.deepEqual([outcome, ran, (await store.currentRelease(app.id))?.version], [{ ok: true }, [1], 1]);
});
