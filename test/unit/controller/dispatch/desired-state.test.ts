import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assembleDesiredState, releaseKey, type DesiredRows } from '../../../../controller/dispatch/desired-state.ts';
import type { App } from '../../../../controller/domain/apps.ts';
import type { AssignmentRow } from '../../../../controller/domain/assignments.ts';
import type { Release } from '../../../../controller/domain/releases.ts';
import type { AppId, InstanceId, NodeId, UserId } from '../../../../shared/domain/ids.ts';
import type { AppName, ProcessType } from '../../../../shared/domain/names.ts';
import { sealAll } from '../../../../shared/kit/sensitive.ts';
import { assignment, slugOf } from '../../../support/store-fixtures.ts';

const nodeId = 'node00000001' as NodeId;

function appOf(name: string): App {
  return {
    id: `app${name}000000` as AppId,
    name: name as AppName,
    ownerId: 'user00000001' as UserId,
    uidBase: 65536 * name.length,
    stack: 'host',
    createdAtMs: 0,
  };
}

function releaseOf(app: App, version: number): Release {
  const base = {
    appId: app.id,
    version,
    slug: slugOf('a'),
    config: sealAll({ V: String(version) }),
    userId: app.ownerId,
  };
  return { ...base, state: 'current', cause: 'deploy', pinned: false, description: '', createdAtMs: 0 };
}

function rowsOf(assignments: readonly AssignmentRow[], apps: readonly App[]): DesiredRows {
  const releases = apps.flatMap((app) => [1, 2].map((version) => releaseOf(app, version)));
  return {
    epoch: { counter: 3, id: 'life' },
    generation: 7,
    assignments,
    apps: new Map(apps.map((app) => [app.id, app])),
    releases: new Map(
      releases.map((release) => [releaseKey({ appId: release.appId, release: release.version }), release]),
    ),
    baseDomain: 'example.test',
  };
}

const [hello, other] = [appOf('hello'), appOf('other')];

function row(app: App, release: number, change: Partial<AssignmentRow> = {}): AssignmentRow {
  return { ...assignment({ nodeId, appId: app.id, release }), ...change };
}

describe('desired state of a node', () => {
  it('completes each assignment from its release and app', () => {
    const one = row(hello, 2, { instanceId: 'instance0001' as InstanceId });
    const state = assembleDesiredState(rowsOf([one], [hello]));
    const [made] = state.assignments;
    assert.equal(state.generation, 7);
    assert.deepEqual(
      [made?.app, made?.uidBase, made?.release, made?.command],
      ['hello', hello.uidBase, 2, 'node server.js'],
    );
    assert.equal(made?.config['V']?.reveal(), '2');
    assert.deepEqual(made.layers, slugOf('a').layers);
  });

  it('has one route per app with web instances, none for workers alone', () => {
    const worker = { processType: 'worker' as ProcessType };
    const state = assembleDesiredState(rowsOf([row(hello, 1), row(hello, 2), row(other, 1, worker)], [hello, other]));
    assert.deepEqual(state.routes, [{ hostname: 'hello.example.test', appId: hello.id, app: 'hello' }]);
  });

  it('is the same for the same rows in any order', () => {
    const rows = [row(other, 1), row(hello, 1, { desired: 'stop' }), row(hello, 2), row(other, 2, { desired: 'stop' })];
    const one = assembleDesiredState(rowsOf(rows, [hello, other]));
    const two = assembleDesiredState(rowsOf(rows.toReversed(), [other, hello]));
    assert.deepEqual(one, two);
  });

  it('names an operation when instances are told to stop, and none when they are merely missing', () => {
    assert.equal(assembleDesiredState(rowsOf([], [])).massStopReason, '');
    assert.equal(assembleDesiredState(rowsOf([row(hello, 1)], [hello])).massStopReason, '');
    const stopping = [row(hello, 1, { desired: 'stop' }), row(hello, 1, { desired: 'stop' }), row(hello, 2)];
    assert.equal(assembleDesiredState(rowsOf(stopping, [hello])).massStopReason, 'stop 2 of hello v1');
  });

  it('is refused when a row refers to a missing row', () => {
    const nothing = { processType: 'clock' as ProcessType };
    assert.throws(() => assembleDesiredState(rowsOf([row(hello, 9)], [hello])), { code: 'SLIP_DISPATCH_ROWS' });
    assert.throws(() => assembleDesiredState(rowsOf([row(hello, 1)], [])), { code: 'SLIP_DISPATCH_ROWS' });
    assert.throws(() => assembleDesiredState(rowsOf([row(hello, 1, nothing)], [hello])), {
      code: 'SLIP_DISPATCH_ROWS',
    });
  });
});
