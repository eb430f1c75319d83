import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { App } from '../../../../controller/domain/apps.ts';
import { applyAppJson } from '../../../../controller/release/first-deploy.ts';
import type { Store } from '../../../../controller/store/port.ts';
import { noFailpoint, type Failpoint } from '../../../../shared/kit/failpoint.ts';
import { revealAll } from '../../../../shared/kit/sensitive.ts';
import { addApp, addUser, newRelease, noChange, openMemoryStore } from '../../../support/store-fixtures.ts';

interface Lab {
  readonly store: Store;
  readonly app: App;
  /** What it says. */
  readonly apply: (appJson: object) => Promise<string>;
  readonly read: (appJson: object) => ReturnType<typeof applyAppJson>;
}

async function lab(failpoint: Failpoint = noFailpoint): Promise<Lab> {
  const store = await openMemoryStore();
  const app = await addApp(store, (await addUser(store)).id);
  const deps = { store, randomSecret: () => 'f'.repeat(64), failpoint };
  const read = (appJson: object): ReturnType<typeof applyAppJson> =>
    applyAppJson(deps, { app, userId: app.ownerId, content: Buffer.from(JSON.stringify(appJson)) });
  const apply = async (appJson: object): Promise<string> => (await read(appJson)).said;
  return { store, app, apply, read };
}

const APP_JSON = {
  env: { LEVEL: 'info', KEY: { generator: 'secret' }, OWN: 'theirs', MAYBE: { required: false }, NEEDED: {} },
  formation: { web: { quantity: 2 }, worker: { quantity: 1 } },
};

it('gives a new app the variables and counts that it does not have', async () => {
  const { store, app, apply } = await lab();
  await store.setConfig(app.id, { OWN: 'mine', NEEDED: 'x' });
  await store.setFormation(app.id, { web: 0 });
  assert.equal(
    await apply(APP_JSON),
    '-----> Applying app.json\n       Set config vars: LEVEL, KEY\n       Scaled: worker=1\n',
  );
  const expected = { OWN: 'mine', NEEDED: 'x', LEVEL: 'info', KEY: 'f'.repeat(64) };
  assert.deepEqual(revealAll(await store.config(app.id)), expected);
  assert.deepEqual(await store.formation(app.id), { web: 0, worker: 1 });
  assert.equal(await apply(APP_JSON), '', 'a second try changes nothing');
});

it('refuses the first deploy and names all required variables without a value', async () => {
  const { store, app, apply } = await lab();
  await assert.rejects(apply({ env: { A: {}, B: { required: true }, C: { required: false }, D: '' } }), {
    code: 'SLIP_APP_JSON_ENV',
    message: 'app.json requires config vars that hello does not have: A, B.',
    hint: 'Set them, then push again: slipway config:set A=VALUE B=VALUE -a hello',
  });
  assert.deepEqual(revealAll(await store.config(app.id)), {});
});

it('changes nothing of an app that has a release, and names what Slipway does not use', async () => {
  const { store, app, apply } = await lab();
  await store.createRelease(newRelease(app));
  await store.beginRollout(app.id, 1, noChange);
  await store.completeRollout(app.id, 1, noChange);
  const { addons, ...rest } = { ...APP_JSON, addons: ['db'] };
  assert.equal(await apply({ ...rest, addons }), ' !     app.json: Slipway does not use "addons".\n');
  assert.deepEqual([revealAll(await store.config(app.id)), await store.formation(app.id)], [{}, {}]);
});

it('refuses a variable that an app may not set', async () => {
  const { apply } = await lab();
  await assert.rejects(apply({ env: { PORT: '80' } }), { code: 'SLIP_CONFIG_RESERVED' });
  await assert.rejects(apply({ env: { 'not a name': '80' } }), { code: 'SLIP_NAME_CONFIG' });
});

it('returns the scripts for the slug, of each deploy', async () => {
  const { read } = await lab();
  assert.equal((await read({})).scripts, undefined);
  assert.deepEqual((await read({ scripts: { dokku: { predeploy: 'sh a.sh' } } })).scripts, { predeploy: 'sh a.sh' });
});
