import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { App } from '../../../../controller/domain/apps.ts';
import type { User } from '../../../../controller/domain/users.ts';
import { CheckChanges } from '../../../../controller/release/check-changes.ts';
import type { ReleasePhase } from '../../../../controller/release/release-phase.ts';
import type { Store } from '../../../../controller/store/port.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { openReleaseLab } from '../../../support/release-lab.ts';
import { newRelease } from '../../../support/store-fixtures.ts';

interface Lab {
  readonly store: Store;
  readonly app: App;
  readonly set: (check: unknown, type?: string) => Promise<number | undefined>;
  readonly unset: (type: string) => Promise<number | undefined>;
  readonly disable: (type: string) => Promise<number | undefined>;
  readonly deploy: () => Promise<void>;
}

async function open(phase?: ReleasePhase): Promise<Lab> {
  const { store, app, queue, releases } = await openReleaseLab(phase);
  const user: User = (await store.users())[0]!;
  const changes = new CheckChanges({ store, queue, releases, log: silentLogger });
  const deploy = async (): Promise<void> => {
    await queue.enqueue(app.id, () => releases.create(app, newRelease(app)));
  };
  return {
    ...{ store, app, deploy },
    set: (check, type = 'web') => changes.set({ app, user, type }, check),
    disable: (type) => changes.disable({ app, user, type }),
    unset: (type) => changes.unset({ app, user, type }),
  };
}

it('stores a check before the first deploy, and the first release has it', async () => {
  const { store, app, set, deploy } = await open();
  assert.equal(await set({ type: 'readiness', path: '/up' }), undefined);
  await deploy();
  assert.equal((await store.currentRelease(app.id))?.checks?.['web']?.length, 1);
});

it('makes a release for each change, and none when nothing changes', async () => {
  const { store, app, set, unset, deploy } = await open();
  await deploy();
  assert.equal(await set({ type: 'readiness', path: '/up' }), 2);
  assert.equal(await set({ type: 'readiness', path: '/up' }), undefined);
  assert.equal(await set({ type: 'liveness', command: ['test', '-f', '/app/ok'] }), 3);
  assert.deepEqual(
    (await store.healthChecks(app.id))['web']?.map(({ type, probe }) => [type, probe]),
    [
      ['readiness', 'http'],
      ['liveness', 'command'],
    ],
  );
  assert.equal(await unset('web'), 4);
  assert.deepEqual([await store.healthChecks(app.id), (await store.currentRelease(app.id))?.checks], [{}, undefined]);
  await assert.rejects(unset('web'), { code: 'SLIP_CHECK_NOT_SET' });
});

it('changes no setting until the release is current, so a crash or a failure leaves the former checks', async () => {
  const during: unknown[] = [];
  let isBroken = false;
  const { store, app, set, deploy } = await open({
    run: async ({ id }) => {
      during.push(await store.healthChecks(id));
      return isBroken ? { code: 'SLIP_RELEASE_PHASE', message: 'It failed.' } : undefined;
    },
  });
  await deploy();
  isBroken = true;
  await assert.rejects(set({ type: 'readiness', path: '/up' }), {
    code: 'SLIP_RELEASE_PHASE',
    hint: /stay as they were/,
  });
  assert.deepEqual([during, await store.healthChecks(app.id)], [[{}, {}], {}]);
});

it('refuses a wrong check and an unknown process type', async () => {
  const { set, deploy } = await open();
  await deploy();
  await assert.rejects(set({ type: 'sometimes' }), { code: 'SLIP_CHECK_INVALID' });
  await assert.rejects(set({ path: 'up' }), { code: 'SLIP_CHECK_INVALID' });
  await assert.rejects(set({ command: ['true'] }, 'nothing'), { code: 'SLIP_PS_TYPE' });
});

it('disables the checks of a process type, also those of app.json, until they are unset', async () => {
  const { store, app, set, disable, unset, deploy } = await open();
  await deploy();
  await set({ path: '/up' });
  assert.equal(await disable('web'), 3);
  assert.deepEqual((await store.currentRelease(app.id))?.checks, { web: [] });
  assert.equal(await disable('web'), undefined);
  await assert.rejects(disable('nothing'), { code: 'SLIP_PS_TYPE' });
  assert.equal(await unset('web'), 4);
});
