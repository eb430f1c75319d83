import assert from 'node:assert/strict';
import { it } from 'node:test';
import { tellDrains } from '../../../../controller/release/tell-drains.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { eventually } from '../../../support/eventually.ts';
import {
  addApp,
  addNode,
  addUser,
  assignment,
  newRelease,
  noChange,
  openMemoryStore,
} from '../../../support/store-fixtures.ts';

it('tells of each drain that begins during a deploy and moves instances of the app, once', async () => {
  const store = await openMemoryStore();
  const app = await addApp(store, (await addUser(store)).id, 'shop');
  const [fra, ams, lon] = [await addNode(store, 'fra'), await addNode(store, 'ams'), await addNode(store, 'lon')];
  const nodes = [fra, ams, lon];
  await store.createRelease(newRelease(app));
  const add = [fra, ams].map((node, at) => ({
    ...assignment({ nodeId: node.id, appId: app.id, release: 1 }),
    ordinal: at + 1,
  }));
  await store.changeAssignments({ ...noChange, add });
  const draining = new Set([ams.id]);
  let listen: ((nodeId: NodeId) => void) | undefined;
  const changed = (): void => listen?.(fra.id);
  const fleet = {
    nodes: () => nodes.map(({ id, name }) => ({ nodeId: id, name, draining: draining.has(id) })),
    onChange: (listener: (nodeId: NodeId) => void) => {
      listen = listener;
      return () => (listen = undefined);
    },
  };
  const told: string[] = [];
  const stop = tellDrains({ store, fleet, log: silentLogger }, app, (text) => told.push(text));
  for (const id of [lon.id, fra.id]) draining.add(id);
  changed();
  changed();
  await eventually('it is told', () => told.length > 0);
  const line = ' !     fra is being drained, so web.1 moves to another node.\n';
  assert.deepEqual(told, [line]);
  draining.delete(fra.id);
  changed();
  draining.add(fra.id);
  changed();
  await eventually('the second drain is told', () => told.length > 1);
  stop();
  draining.delete(ams.id);
  changed();
  assert.deepEqual(told, [line, line]);
});
