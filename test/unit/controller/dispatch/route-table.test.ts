import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  meshPeer,
  routeTableEntry,
  withHttpsRules,
  type RouteTableInput,
} from '../../../../controller/dispatch/route-table.ts';
import type { RouteTableRow } from '../../../../controller/dispatch/limit-route-table.ts';
import type { AssignmentRow } from '../../../../controller/domain/assignments.ts';
import { DEFAULT_LIMITS } from '../../../../shared/domain/assignment.ts';
import type { AppId, InstanceId, NodeId } from '../../../../shared/domain/ids.ts';
import type { InstanceState } from '../../../../shared/domain/instance.ts';
import { parseAppName, parseProcessType } from '../../../../shared/domain/names.ts';
import type { NodeState } from '../../../../shared/domain/states.ts';

const APP = {
  appId: 'app00001' as AppId,
  app: parseAppName('shop'),
  release: 2,
  domains: ['www.shop.test'],
  createdAtMs: 0,
};

/** `a v2 run live`: an instance on node a, of v2, wanted to run, reported live (`-`: not reported). */
function entryOf(
  rows: readonly string[],
  options: {
    nodes?: Record<string, NodeState>;
    leaving?: readonly number[];
    release?: number | undefined;
    type?: string;
  } = {},
): readonly string[] | undefined {
  const states = new Map<string, InstanceState>();
  const notReady = new Set<string>();
  const built = rows.map((text, index): AssignmentRow => {
    const [node = '', release = '', desired = '', state = '-', unready] = text.split(' ');
    const instanceId = `inst000${String(index)}` as InstanceId;
    if (state !== '-') states.set(instanceId, state as InstanceState);
    if (unready !== undefined) notReady.add(instanceId);
    return {
      ...{ instanceId, nodeId: node as NodeId, appId: APP.appId, release: Number(release.slice(1)) },
      ...{
        processType: parseProcessType(options.type ?? 'web'),
        ordinal: index + 1,
        limits: DEFAULT_LIMITS,
        createdAtMs: 0,
      },
      desired: desired as AssignmentRow['desired'],
    };
  });
  const input: RouteTableInput = {
    instanceState: (instance) => states.get(instance),
    isReady: (instance) => !notReady.has(instance),
    nodeState: (node) => (options.nodes ?? { a: 'ready', b: 'ready', c: 'ready' })[node],
    leaving: new Set((options.leaving ?? []).map((index) => `inst000${String(index)}` as InstanceId)),
    baseDomain: 'example.test',
  };
  const release = 'release' in options ? options.release : APP.release;
  return routeTableEntry({ ...APP, release }, built, input)?.nodeIds;
}

describe('the nodes that serve an app', () => {
  it('are those with a live web instance that should run', () => {
    assert.deepEqual(entryOf(['a v2 run live', 'b v2 run starting', 'c v2 standby live']), ['a']);
    assert.deepEqual(entryOf(['b v2 run live', 'a v2 run live', 'a v2 run live']), ['a', 'b']);
    assert.deepEqual(entryOf(['a v2 run live'], { type: 'worker' }), []);
  });

  it('are the same before, during and after a push that stays on its nodes', () => {
    const steps = [
      ['a v1 run live', 'b v1 run live'],
      ['a v1 run live', 'b v1 run live', 'a v2 run starting', 'b v2 run starting'],
      ['a v1 run live', 'b v1 run live', 'a v2 run live', 'b v2 run starting'],
      ['a v1 run live', 'b v1 run live', 'a v2 run live', 'b v2 run live'],
      ['a v1 standby live', 'b v1 standby live', 'a v2 run live', 'b v2 run live'],
      ['a v1 stop stopping', 'b v1 stop stopped', 'a v2 run live', 'b v2 run live'],
    ];
    for (const step of steps) assert.deepEqual(entryOf(step), ['a', 'b'], step.join());
    assert.deepEqual(entryOf(steps[3] ?? [], { leaving: [0, 1] }), ['a', 'b']);
  });

  it('exclude nodes whose instances are not ready, also when no other node serves', () => {
    assert.deepEqual(entryOf(['a v2 run live unready', 'b v2 run live']), ['b']);
    assert.deepEqual(entryOf(['a v2 run live unready', 'a v2 run live']), ['a']);
    assert.deepEqual(entryOf(['a v2 run live unready', 'b v2 run live unready']), []);
  });

  it('exclude nodes whose instances are about to end, unless no other node serves', () => {
    assert.deepEqual(entryOf(['a v1 run live', 'b v2 run live'], { leaving: [0] }), ['b']);
    assert.deepEqual(entryOf(['a v1 run live', 'b v2 run starting'], { leaving: [0] }), ['a']);
  });

  it('are the same after a restart of the controller', () => {
    assert.deepEqual(entryOf(['a v2 run -', 'b v3 run -']), ['a']);
    assert.deepEqual(entryOf(['a v2 run -', 'b v3 run live']), ['a', 'b']);
    assert.deepEqual(entryOf(['a v2 standby -', 'b v3 run -']), ['b'], 'switched, not yet current');
  });

  it('exclude unreachable nodes while others serve', () => {
    const nodes: Record<string, NodeState> = { a: 'unreachable', b: 'ready', c: 'removed' };
    assert.deepEqual(entryOf(['a v2 run live', 'b v2 run live'], { nodes }), ['b']);
    assert.deepEqual(entryOf(['a v2 run live'], { nodes }), ['a']);
    assert.deepEqual(entryOf(['c v2 run live'], { nodes }), []);
  });

  it('are none for an app that is down, and an app that was never deployed has no entry', () => {
    assert.deepEqual(entryOf(['a v2 run backoff']), []);
    assert.deepEqual(entryOf([]), []);
    assert.equal(entryOf([], { release: undefined }), undefined);
  });
});

describe('a member of the fleet', () => {
  it('has an address for other nodes, or none', () => {
    const node = { id: 'node0001' as NodeId, name: 'fra-1' };
    assert.deepEqual(meshPeer({ revoked: false, ...node, facts: { meshAddress: '10.0.0.1:7405' } }), {
      nodeId: 'node0001',
      name: 'fra-1',
      address: '10.0.0.1',
      port: 7405,
    });
    assert.equal(meshPeer({ revoked: false, ...node, facts: {}, isEdge: true }).plainOnly, undefined);
    assert.equal(meshPeer({ revoked: false, ...node, facts: {}, isEdge: false }).plainOnly, true);
    for (const meshAddress of [undefined, '', 'fra:7405', '10.0.0.1']) {
      assert.equal(meshPeer({ revoked: false, ...node, facts: { meshAddress } }).address, '');
    }
    assert.equal(
      meshPeer({ ...node, revoked: true, facts: { meshAddress: '10.0.0.1:7405' } }).address,
      '',
      'nothing is sent to it',
    );
  });
});

describe('rules for HTTPS', () => {
  const entry = { ...{ appId: APP.appId, app: APP.app, nodeIds: [] }, hostnames: ['shop.apps.test', 'www.shop.test'] };

  const secure = new Set(['www.shop.test', 'other.test']);
  const rulesOf = (rules: RouteTableRow['rules'], names = secure): unknown =>
    withHttpsRules([{ entry, createdAtMs: 0, rules }], names)[0]?.entry.https;

  it('redirect names whose certificate every node served, and end with it', () => {
    const rows = withHttpsRules([{ entry, createdAtMs: 0 }], secure);
    assert.deepEqual(rows[0]?.entry.https, { redirected: ['www.shop.test'] });
    assert.deepEqual(withHttpsRules(rows, new Set()), [{ entry, createdAtMs: 0 }]);
  });

  it('are not for an app that wants none', () => {
    assert.equal(rulesOf({ redirects: false }), undefined);
  });

  it('have a canonical name that the app has, over HTTPS when every node served its certificate', () => {
    const canonical = 'www.shop.test';
    assert.deepEqual(rulesOf({ canonical }), { redirected: [canonical], canonical, canonicalHttps: true });
    assert.deepEqual(rulesOf({ canonical, redirects: false }), { redirected: [], canonical, canonicalHttps: true });
    assert.deepEqual(rulesOf({ canonical }, new Set()), { redirected: [], canonical });
    assert.equal(rulesOf({ canonical: 'other.test' }, new Set()), undefined);
  });

  it('have HSTS only together with redirects', () => {
    const hsts = { maxAgeS: 60, includeSubdomains: true, preload: true };
    const words = { hstsMaxAgeS: 60, hstsIncludeSubdomains: true, hstsPreload: true };
    assert.deepEqual(rulesOf({ hsts }), { redirected: ['www.shop.test'], ...words });
    assert.deepEqual(rulesOf({ hsts: { maxAgeS: 0, includeSubdomains: false, preload: false } }), {
      ...{ redirected: ['www.shop.test'], hstsMaxAgeS: 0 },
    });
    assert.equal(rulesOf({ hsts }, new Set()), undefined);
    assert.equal(rulesOf({ hsts, redirects: false }), undefined);
  });
});
