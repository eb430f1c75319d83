import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Store } from '../../controller/store/port.ts';
import type { NodeId } from '../../shared/domain/ids.ts';
import type { SwitchReport } from '../../shared/domain/switch-figures.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import { addApp, addUser, newRelease } from '../support/store-fixtures.ts';

const REPORT: SwitchReport = {
  ...{ state: 'counting', requests: 12_431, failed: 2, codes: { H13: 2, H27: 1 }, openRequests: 1 },
  ...{ longestDrainMs: 3_200.5, lostLines: 0, uncounted: [{ node: 'ash', why: 'away' }], uncountedNodes: 1 },
};

/** The figures of deploys. */
export function switchCases(get: () => Store): void {
  it('keeps the figures of a deploy, and does not change them after the end of the count', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const { version: release } = await get().createRelease(newRelease(app));
    const key = { appId: app.id, release };
    const begun = [randomId() as NodeId];
    assert.equal(await get().switchReport(key), undefined);
    await get().beginSwitch({ ...key, begun });
    assert.deepEqual(await get().countingSwitches(), [{ ...key, begun }]);
    assert.equal(await get().switchReport(key), undefined);
    await get().setSwitchReport(key, REPORT);
    assert.deepEqual(await get().switchReport(key), REPORT);
    assert.equal((await get().countingSwitches()).length, 1);
    const final: SwitchReport = { ...REPORT, state: 'final', openRequests: 0 };
    await get().setSwitchReport(key, { ...final, requests: 2 });
    assert.equal((await get().countingSwitches()).length, 1, 'the release can still fail in its bake time');
    await get().setSwitchReport(key, final);
    await get().endSwitch(key);
    await get().setSwitchReport(key, { ...REPORT, requests: 1 });
    assert.deepEqual(await get().switchReport(key), final);
    assert.deepEqual(await get().countingSwitches(), []);
  });

  it('removes the figures with the app', async () => {
    const ada = await addUser(get());
    const app = await addApp(get(), ada.id);
    const { version: release } = await get().createRelease(newRelease(app));
    await get().beginSwitch({ appId: app.id, release, begun: [] });
    await get().destroyApp(app.id, ada.name);
    assert.deepEqual(await get().countingSwitches(), []);
    await get().setSwitchReport({ appId: app.id, release }, REPORT);
    assert.equal(await get().switchReport({ appId: app.id, release }), undefined);
  });
}
