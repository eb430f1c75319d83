import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { AssignmentRow } from '../../../controller/domain/assignments.ts';
import type { HealthChecks } from '../../../shared/domain/health-check.ts';
import { startRig, type Rig } from '../../support/dispatch-rig.ts';
import { eventually } from '../../support/eventually.ts';
import { HELLO, openRawAgent, type RawAgent } from '../../support/raw-agent.ts';
import { assignment, newRelease, noChange } from '../../support/store-fixtures.ts';

/** What an agent says that knows no health checks, maintenance, commands, attached streams, renames and purged caches. */
const OLDER = { ...HELLO, takesReleases: true, takesDestroyed: true, takesEgress: true };

const CHECKS: HealthChecks = {
  web: [
    {
      ...{ type: 'readiness', initialDelayMs: 0, timeoutMs: 5_000, attempts: 3, waitMs: 5_000 },
      ...{ probe: 'command', command: ['true'] },
    },
  ],
};

interface Stage {
  readonly rig: Rig;
  readonly raw: RawAgent;
  /** A new instance of the release on the node. */
  readonly place: (release: number) => Promise<AssignmentRow>;
  readonly publish: () => Promise<void>;
}

async function openStage(t: TestContext): Promise<Stage> {
  const rig = await startRig(t);
  const { row, issued } = await rig.join('old-1');
  const raw = openRawAgent(t, rig, issued.tls);
  raw.send({ hello: OLDER });
  await eventually('the session', () => rig.dispatch.fleet.node(row.id)?.connected);
  const publish = (): Promise<void> => rig.dispatch.fleet.publish(row.id);
  const place = async (release: number): Promise<AssignmentRow> => {
    const placed = assignment({ nodeId: row.id, appId: rig.app.id, release, ordinal: release });
    await rig.store.changeAssignments({ ...noChange, add: [placed] });
    await publish();
    return placed;
  };
  return { rig, raw, place, publish };
}

/** The newest desired state has the instance with this word. */
function untilSent({ raw }: Stage, instanceId: string, desired: string): Promise<unknown> {
  return eventually(`${instanceId} with ${desired}`, () => {
    const state = raw.heard.findLast((message) => message.desired)?.desired;
    return state?.assignments.some((one) => one.instanceId === instanceId && one.desired === desired);
  });
}

it('gets the instances of a rollback, and their stop, as from a former controller', async (t) => {
  const stage = await openStage(t);
  const { rig, place, publish } = stage;
  const first = await place(1);
  await untilSent(stage, first.instanceId, 'run');
  const what = { cause: 'rollback', sourceVersion: 1, checks: CHECKS } as const;
  const { version } = await rig.store.createRelease(newRelease(rig.app, what));
  const second = await place(version);
  await untilSent(stage, second.instanceId, 'run');
  await rig.store.changeAssignments({
    ...noChange,
    setDesired: [{ instanceId: first.instanceId, desired: 'stop' }],
  });
  await publish();
  await untilSent(stage, first.instanceId, 'stop');
  assert.equal(stage.raw.ended, undefined);
});

it('gets no health checks, and the controller knows the node by them', async (t) => {
  const stage = await openStage(t);
  const { rig, raw, place } = stage;
  const { version } = await rig.store.createRelease(newRelease(rig.app, { cause: 'settings', checks: CHECKS }));
  const placed = await place(version);
  await untilSent(stage, placed.instanceId, 'run');
  const releases = raw.heard.flatMap((message) => message.desired?.releases ?? []);
  assert.ok(releases.length > 0);
  for (const { checks } of releases) assert.deepEqual(checks, {});
  assert.deepEqual(rig.dispatch.fleet.node(placed.nodeId)?.checkProbes, []);
  rig.dispatch.runChecks(placed.nodeId, [placed.instanceId], 1);
  assert.equal(raw.ended, undefined);
});

it('is known as a node that cannot follow maintenance, a rename and a purged cache, and takes no commands', async (t) => {
  const { rig } = await openStage(t);
  const node = rig.dispatch.fleet.nodes().find(({ name }) => name === 'old-1');
  assert.deepEqual(
    [node?.ignoresMaintenance, node?.losesRenamed, node?.keepsCaches, node?.connected],
    [true, true, true, true],
  );
  for (const attached of [false, true]) assert.equal(rig.dispatch.commands.takes(node!.nodeId, attached), false);
});
