import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { App } from '../../controller/domain/apps.ts';
import type { AssignmentRow } from '../../controller/domain/assignments.ts';
import type { NodeRow } from '../../controller/domain/nodes.ts';
import type { Store } from '../../controller/store/port.ts';
import { ANYWHERE } from '../../shared/domain/placement.ts';
import { parseProcessType } from '../../shared/domain/names.ts';
import { addApp, addNode, addUser, assignment, newRelease, noChange } from '../support/store-fixtures.ts';

const MIB = 1024 ** 2;
const web = parseProcessType('web');

/** How process types are placed, and what nodes have been promised. */
export function placementCases(get: () => Store): void {
  it('keeps "all" apart from numbers, and knows the apps that use it', async () => {
    const owner = (await addUser(get())).id;
    const [one, two] = [await addApp(get(), owner, 'one'), await addApp(get(), owner, 'two')];
    await get().setFormation(two.id, { web: 3 });
    assert.deepEqual(await get().setFormation(one.id, { web: 'all', worker: 2 }), { web: 'all', worker: 2 });
    assert.deepEqual(await get().appsOnEveryNode(), [one]);
    assert.deepEqual(await get().setFormation(one.id, { web: 1 }), { web: 1, worker: 2 });
    assert.deepEqual(await get().appsOnEveryNode(), []);
  });

  it('stores placement and limits of a process type, and changes or resets each of them alone', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const rule = { require: { region: 'fra' }, spread: 'zone', onFull: 'stop-first' } as const;
    assert.deepEqual(await get().processSettings(app.id), {});
    assert.deepEqual(await get().setProcessSettings(app.id, web, { placement: rule }), { placement: rule });
    await get().setProcessSettings(app.id, web, { limits: { memoryBytes: 100 * MIB } });
    await get().setProcessSettings(app.id, parseProcessType('worker'), { placement: { ...ANYWHERE } });
    assert.deepEqual(await get().processSettings(app.id), {
      web: { placement: rule, limits: { memoryBytes: 100 * MIB } },
      worker: { placement: ANYWHERE },
    });
    assert.deepEqual(await get().setProcessSettings(app.id, web, { placement: null }), {
      limits: { memoryBytes: 100 * MIB },
    });
  });

  it('keeps the sum of reserved memory of each node after every change', async () => {
    const app = await addApp(get(), (await addUser(get())).id);
    const [one, two] = [await addNode(get(), 'n1'), await addNode(get(), 'n2')];
    await get().createRelease(newRelease(app));
    const row = (nodeId: AssignmentRow['nodeId'], mebibytes: number): AssignmentRow => {
      const made = assignment({ nodeId, appId: app.id, release: 1 });
      return { ...made, limits: { ...made.limits, memoryBytes: mebibytes * MIB } };
    };
    const rows = [row(one.id, 100), row(one.id, 20), row(two.id, 3)] as const;
    const promised = async (): Promise<unknown> => {
      const found = await get().promisedMemory();
      return [one, two].map(({ id }) => [
        (found.get(id)?.memoryBytes ?? 0) / MIB,
        (found.get(id)?.leavingBytes ?? 0) / MIB,
      ]);
    };
    await get().changeAssignments({ ...noChange, add: rows });
    assert.deepEqual(await promised(), [
      [120, 0],
      [3, 0],
    ]);
    await get().changeAssignments({
      ...noChange,
      setDesired: [{ instanceId: rows[0].instanceId, desired: 'standby' }],
    });
    await get().changeAssignments({ ...noChange, setDesired: [{ instanceId: rows[2].instanceId, desired: 'stop' }] });
    assert.deepEqual(await promised(), [
      [120, 100],
      [3, 3],
    ]);
    await get().changeAssignments({ ...noChange, setDesired: [{ instanceId: rows[0].instanceId, desired: 'run' }] });
    await get().changeAssignments({ ...noChange, remove: [rows[1].instanceId, rows[2].instanceId] });
    assert.deepEqual(await promised(), [
      [100, 0],
      [0, 0],
    ]);
  });

  it('reads the data for the desired states of many nodes once, and no data of other nodes', async () => {
    const owner = (await addUser(get())).id;
    const [app, other] = [await addApp(get(), owner, 'one'), await addApp(get(), owner, 'two')];
    const nodes = [await addNode(get(), 'n1'), await addNode(get(), 'n2'), await addNode(get(), 'n3')] as const;
    for (const each of [app, app, other]) await get().createRelease(newRelease(each));
    const on = (index: 0 | 1 | 2, appId: App['id'], release: number): AssignmentRow =>
      assignment({ nodeId: nodes[index].id, appId, release });
    const rows = [on(0, app.id, 1), on(0, app.id, 2), on(1, app.id, 2), on(2, other.id, 1)] as const;
    await get().changeAssignments({ ...noChange, add: rows });
    const seen = await get().desiredRows([nodes[0].id, nodes[1].id, 'n0ne0n0ne0n0ne0n0ne0' as NodeRow['id']]);
    assert.deepEqual(
      seen.nodes.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      sortedGenerations([nodes[0], nodes[1]], 1),
    );
    const ids = (rows: readonly AssignmentRow[]): string[] => rows.map((row) => row.instanceId).sort();
    assert.deepEqual(ids(seen.assignments), ids(rows.slice(0, 3)));
    assert.deepEqual(seen.apps, [app]);
    assert.deepEqual(seen.releases.map((release) => [release.appId, release.version]).sort(), [
      [app.id, 1],
      [app.id, 2],
    ]);
    assert.deepEqual(await get().appsOnNodes([nodes[0].id, nodes[1].id]), [app.id]);
    assert.deepEqual(await get().appsOnNodes([]), []);
  });
}

function sortedGenerations(nodes: readonly NodeRow[], generation: number): unknown[] {
  return nodes.map(({ id, state }) => ({ id, state, generation })).sort((a, b) => (a.id < b.id ? -1 : 1));
}
