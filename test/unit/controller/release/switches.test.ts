import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LiveNode } from '../../../../controller/dispatch/port.ts';
import type { AgentSession } from '../../../../controller/dispatch/agent-session.ts';
import { SwitchCounts } from '../../../../controller/dispatch/switch-counts.ts';
import { Switches } from '../../../../controller/release/switches.ts';
import type { CountingSwitch } from '../../../../controller/store/switch-port.ts';
import type { Release } from '../../../../controller/domain/releases.ts';
import type { AssignmentRow } from '../../../../controller/domain/assignments.ts';
import type { AppId, NodeId } from '../../../../shared/domain/ids.ts';
import type { NodeFigures, SwitchQuery, SwitchReport } from '../../../../shared/domain/switch-figures.ts';
import type { ReleaseState } from '../../../../shared/domain/states.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { noFailpoint } from '../../../../shared/kit/failpoint.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';
import { eventually } from '../../../support/eventually.ts';

const KEY = { appId: 'app' as AppId, release: 2 };
const DEPLOY = { app: { id: KEY.appId }, version: KEY.release };
const OLD = { desired: 'run', release: 1, processType: 'web' } as unknown as AssignmentRow; // what it reads of a row

/** Nodes whose agents answer each question with these figures, at once. */
function lab(own: Record<string, Partial<NodeFigures>>, { old = [] as readonly string[] } = {}) {
  const asked: SwitchQuery[][] = [];
  const node = (name: string, countsSwitches?: true): LiveNode =>
    ({ nodeId: name, name, state: 'ready', connected: true, countsSwitches }) as unknown as LiveNode; // what it reads of a node
  const nodes = [...Object.keys(own).map((name) => node(name, true)), ...old.map((name) => node(name))];
  const answer = (name: string, query: SwitchQuery): void => {
    const figures = { requests: 0, codes: {}, openRequests: 0, longestDrainMs: 0, lostLines: 0, ...own[name] };
    const session = { nodeId: name } as unknown as AgentSession; // what it reads of a session
    counts.reported(session, { kind: 'switchFigures', ...KEY, read: query.read, ...figures });
  };
  const sessions = Object.keys(own).map(
    (name) =>
      ({
        hello: { countsSwitches: true },
        send: ({ switches }: { readonly switches: SwitchQuery[] }) => {
          asked.push(switches);
          queueMicrotask(() => switches.forEach((query) => answer(name, query)));
        },
      }) as unknown as AgentSession, // what it uses of a session
  );
  const counts = new SwitchCounts({ sessions: () => sessions, clock: systemClock });
  const store = {
    begun: [] as CountingSwitch[],
    reports: [] as SwitchReport[],
    rows: [] as AssignmentRow[],
    state: undefined as ReleaseState | undefined,
    beginSwitch: async (begun: CountingSwitch) => void store.begun.push(begun),
    setSwitchReport: async (_key: unknown, report: SwitchReport) => void store.reports.push(report),
    switchReport: async () => store.reports.at(-1),
    endSwitch: async () => void store.begun.pop(),
    countingSwitches: async () => [...store.begun],
    assignmentsOfApp: async () => store.rows,
    release: async () => ({ state: store.state }) as unknown as Release, // what it reads of a release
  };
  const fleet = {
    nodes: () => nodes,
    node: (id: NodeId) => nodes.find(({ nodeId }) => nodeId === id),
    onChange: () => () => undefined, // reports of figures do not wake the listeners of the fleet
  };
  const stop = new AbortController();
  const { signal } = stop;
  const deps = { store, fleet, counts, clock: systemClock, log: silentLogger, failpoint: noFailpoint, signal };
  const ask = (name: string): void => answer(name, asked.at(-1)?.[0] ?? assert.fail('not asked'));
  return { switches: new Switches(deps), store, counts, asked, ask, stop };
}

describe('the figures of a deploy', () => {
  it('are the final sum of all nodes when nothing drains', async () => {
    const { switches, store, counts } = lab({ ash: { requests: 5, codes: { H13: 1 } }, oak: { requests: 7 } });
    await switches.begin(DEPLOY, [OLD]);
    assert.deepEqual(store.begun, [{ ...KEY, begun: ['ash', 'oak'] }]);
    await switches.reportLive(DEPLOY);
    const [report] = store.reports;
    assert.deepEqual([report?.state, report?.requests, report?.failed, report?.uncountedNodes], ['final', 12, 1, 0]);
    assert.equal(counts.isCounting(KEY), true, 'the release can fail in its bake time');
    await switches.bakeEnded(DEPLOY);
    assert.deepEqual([counts.isCounting(KEY), store.begun, store.reports.length], [false, [], 1]);
  });

  it('follow when the last open request of an old instance has ended', async () => {
    const ash = { requests: 5, openRequests: 1 };
    const { switches, store, counts, ask } = lab({ ash });
    await switches.begin(DEPLOY, [OLD]);
    await switches.reportLive(DEPLOY);
    await switches.bakeEnded(DEPLOY);
    assert.deepEqual(
      store.reports.map(({ state }) => state),
      ['counting'],
    );
    Object.assign(ash, { requests: 6, openRequests: 0 });
    ask('ash');
    await eventually('the final figures', () => store.reports.length === 2);
    assert.deepEqual([store.reports[1]?.state, store.reports[1]?.requests], ['final', 6]);
    await eventually('the end', () => !counts.isCounting(KEY));
  });

  it('name an agent that is too old, and one that has no log', async () => {
    const { switches, store } = lab({ ash: { gap: 'no-log' }, oak: {} }, { old: ['elm'] });
    await switches.begin(DEPLOY, [OLD]);
    await switches.reportFailed(DEPLOY);
    assert.deepEqual(store.reports[0]?.uncounted, [
      { node: 'ash', why: 'no-log' },
      { node: 'elm', why: 'old-agent' },
    ]);
  });

  it('do not exist when nothing served before, or when no agent counts', async () => {
    const first = lab({ ash: {} });
    await first.switches.begin(DEPLOY, [{ ...OLD, processType: 'worker' } as AssignmentRow]);
    const older = lab({}, { old: ['elm'] });
    await older.switches.begin(DEPLOY, [OLD]);
    for (const { switches, store } of [first, older]) {
      await switches.reportFailed(DEPLOY);
      assert.deepEqual([store.begun, store.reports], [[], []]);
    }
  });

  it('are forgotten with a destroyed app, and kept when the controller stops', async () => {
    const { switches, counts, asked, stop } = lab({ ash: {} });
    await switches.begin(DEPLOY, [OLD]);
    switches.forget(DEPLOY);
    assert.equal(counts.isCounting(KEY), false);
    assert.deepEqual(asked.at(-1), []);
    await switches.begin(DEPLOY, [OLD]);
    stop.abort();
    switches.forget(DEPLOY);
    assert.equal(counts.isCounting(KEY), true);
  });

  it('go on after a restart of the controller, and end for a deploy that has ended', async () => {
    const { switches, store, asked } = lab({ ash: { requests: 3 } });
    store.begun.push({ ...KEY, begun: ['ash' as NodeId] });
    await switches.load();
    assert.deepEqual(asked, [[{ ...KEY, opening: false, read: 0 }]]);
    await switches.resume(() => Promise.resolve());
    assert.deepEqual(
      store.reports.map(({ state, requests, uncounted }) => [state, requests, uncounted]),
      [['final', 3, []]],
    );
  });
});

describe('the figures of a release that fails in its bake time', () => {
  it('have all requests until the former release serves again, and the longest drain of both switches', async () => {
    const ash = { requests: 5, codes: {}, longestDrainMs: 900 };
    const { switches, store, counts } = lab({ ash });
    await switches.begin(DEPLOY, [OLD]);
    await switches.reportLive(DEPLOY);
    Object.assign(ash, { requests: 40, codes: { H13: 3 }, longestDrainMs: 20 });
    await switches.reportFailed(DEPLOY);
    await switches.bakeEnded(DEPLOY);
    assert.deepEqual(
      store.reports.map(({ state, requests, failed, longestDrainMs }) => [state, requests, failed, longestDrainMs]),
      [
        ['final', 5, 0, 900],
        ['final', 40, 3, 900],
      ],
    );
    assert.deepEqual([counts.isCounting(KEY), store.begun], [false, []]);
  });

  it('are not final before its last request has ended, also when the first switch still has an open request', async () => {
    const ash = { requests: 5, openRequests: 1 };
    const { switches, store, counts, ask } = lab({ ash });
    await switches.begin(DEPLOY, [OLD]);
    await switches.reportLive(DEPLOY);
    ash.requests = 7;
    await switches.reportFailed(DEPLOY);
    assert.deepEqual([store.reports.at(-1)?.state, counts.isCounting(KEY)], ['counting', true]);
    Object.assign(ash, { requests: 8, openRequests: 0 });
    ask('ash');
    await eventually('the end', () => !counts.isCounting(KEY));
    assert.deepEqual(
      store.reports.map(({ state, requests }) => [state, requests]),
      [
        ['counting', 5],
        ['counting', 7],
        ['final', 8],
      ],
    );
  });

  it('go on after a restart of the controller in the bake time, and end with the bake', async () => {
    const begun = { ...KEY, begun: ['ash' as NodeId] };
    const FINAL = { state: 'final', requests: 3 } as unknown as SwitchReport; // what it reads of a report
    const restart = async (state: ReleaseState, rows: readonly string[]) => {
      const { switches, store, counts } = lab({ ash: { requests: 30 } });
      Object.assign(store, { state, rows: rows.map((desired) => ({ ...OLD, desired })) });
      store.begun.push(begun);
      store.reports.push(FINAL);
      await switches.load();
      await switches.resume(() => Promise.resolve());
      return { switches, store, counts };
    };
    const baking = await restart('current', ['run', 'standby']);
    assert.deepEqual([baking.counts.isCounting(KEY), baking.store.reports.length], [true, 1]);
    await baking.switches.bakeEnded(DEPLOY);
    const [stays, failed] = [await restart('current', ['run']), await restart('failed', ['run'])];
    for (const { counts, store } of [baking, stays, failed])
      assert.deepEqual([counts.isCounting(KEY), store.begun], [false, []]);
    assert.deepEqual(
      [baking, stays, failed].map(({ store }) => store.reports.at(-1)?.requests),
      [3, 3, 30],
    );
  });

  it('are left to the start of the controller when the bake ends before it', async () => {
    const { switches, store, counts } = lab({ ash: { requests: 3 } });
    store.begun.push({ ...KEY, begun: ['ash' as NodeId] });
    await switches.load();
    await switches.bakeEnded(DEPLOY);
    assert.equal(counts.isCounting(KEY), true);
    store.state = 'current';
    await switches.resume(() => Promise.resolve());
    assert.deepEqual([counts.isCounting(KEY), store.reports.at(-1)?.state], [false, 'final']);
  });
});
