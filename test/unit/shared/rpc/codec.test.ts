import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Assignment, DesiredState } from '../../../../shared/domain/assignment.ts';
import type { AppId, InstanceId, TaskId } from '../../../../shared/domain/ids.ts';
import type { ProcessType } from '../../../../shared/domain/names.ts';
import { encodeAgentMessage } from '../../../../shared/rpc/agent-codec.ts';
import { encodeControllerMessage } from '../../../../shared/rpc/controller-codec.ts';
import type { Heartbeat } from '../../../../shared/rpc/messages.ts';
import { MAX_MESSAGE_BYTES } from '../../../../shared/rpc/service.ts';
import * as any from '../../../support/arbitraries.ts';
import {
  decodeRawAgent,
  decodeRawController,
  plain,
  refusesWith,
  roundTrips,
  Session,
  throughAgentWire,
  throughControllerWire,
} from '../../../support/wire.ts';

/** Two releases of one app with three process types. */
function many(): { readonly state: DesiredState } {
  const [sample] = fc.sample(any.anyAssignment, { numRuns: 1, seed: 7 });
  const assignments = [1, 2, 3, 4, 5, 6].map((index) => ({
    ...sample!,
    ...{ instanceId: `instance000${String(index)}` as InstanceId, release: 1 + (index % 2), ordinal: index },
    ...{
      processType: `type${String(index % 3)}` as ProcessType,
      command: `run ${String(index % 3)}`,
      checks: undefined,
    },
  }));
  return { state: { epoch: { counter: 1, id: 'a' }, generation: 1, assignments, routes: [], massStopReason: '' } };
}

function isAlike(one: Assignment, other: Assignment): boolean {
  return one.release === other.release && one.processType === other.processType;
}

const anyMachine = fc.record({
  product: fc.string({ maxLength: 20 }),
  virtualization: fc.constantFrom('none', 'KVM'),
  cpuModel: fc.string({ maxLength: 20 }),
  cpuSockets: fc.nat({ max: 8 }),
  cpuCores: fc.nat({ max: 256 }),
  swapBytes: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  disks: fc.array(
    fc.record({
      name: fc.constant('sda'),
      sizeBytes: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      medium: fc.constantFrom('SSD', ''),
      model: fc.string({ maxLength: 20 }),
    }),
    { maxLength: 2 },
  ),
  interfaces: fc.array(
    fc.record({ name: fc.constant('eth0'), mac: fc.constant(''), addresses: fc.constant(['10.0.0.1']) }),
    { maxLength: 2 },
  ),
});

const anyFacts = fc.record({
  agentVersion: fc.constant('0.1.0'),
  os: fc.constant('debian-12'),
  kernel: fc.string({ maxLength: 20 }),
  arch: fc.constantFrom('x64', 'arm64'),
  cpus: fc.nat({ max: 4096 }),
  memoryBytes: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  diskBytes: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  diskFreeBytes: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  sandboxDriver: fc.constantFrom('lxc', 'nspawn'),
  stacks: fc.array(fc.constantFrom('host', 'debian-12'), { maxLength: 2 }),
  proxyVersion: fc.constant('2.6.12'),
  missing: fc.array(fc.string({ maxLength: 30 }), { maxLength: 3 }),
  builder: fc.boolean(),
  httpAddress: fc.constant('10.0.0.1:80'),
  meshAddress: fc.constantFrom('', '10.0.0.1:7405'),
  sandboxSubnet: fc.constantFrom('', '10.203.0.0/16'),
  routeNamesMax: fc.constantFrom(0, 10_000),
});

const anyUnreadable = fc.record({
  atMs: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  cause: fc.string({ maxLength: 30 }),
});

const acceptedState = fc.record({
  epoch: fc.record({ counter: fc.nat(), id: fc.string({ maxLength: 20 }) }),
  generation: fc.nat(),
});

describe('every message survives the wire', () => {
  it('hello, with and without an accepted state', () => {
    roundTrips(
      fc.record({
        kind: fc.constant('hello' as const),
        facts: fc.oneof(
          anyFacts,
          fc.tuple(anyFacts, anyMachine).map(([facts, machine]) => ({ ...facts, machine })),
        ),
        acceptedState: fc.option(acceptedState, { nil: undefined }),
        cachedAppIds: fc.array(any.anyId<string>(), { maxLength: 3 }),
        runningTaskIds: fc.array(any.anyId<TaskId>(), { maxLength: 3 }),
        takesFleetRoutes: fc.boolean(),
        taskKinds: fc.constantFrom(['build'], undefined),
        fleetRoutesDigest: fc.constantFrom('Zm9v', undefined),
        bootId: fc.constantFrom('7f3c', undefined),
        takesReleases: fc.boolean(),
        takesEgress: fc.boolean(),
        takesDestroyed: fc.boolean(),
        takesAttach: fc.boolean(),
        countsSwitches: fc.boolean(),
        checkProbes: fc.constantFrom(['http', 'tcp'], undefined),
        routesByAppId: fc.boolean(),
        takesMaintenance: fc.boolean(),
        takesCacheNumber: fc.boolean(),
        takesCertificates: fc.boolean(),
        takesEdgeSettings: fc.boolean(),
      }),
      throughAgentWire,
    );
  });

  it('instance reports and acknowledgements', () => {
    roundTrips(
      fc.record({
        kind: fc.constant('instanceReport' as const),
        statuses: fc.array(any.anyStatus, { maxLength: 3 }),
        complete: fc.boolean(),
      }),
      throughAgentWire,
    );
    roundTrips(
      fc.record({
        kind: fc.constant('desiredAck' as const),
        generation: fc.nat(),
        reason: fc.option(any.anyReason, { nil: undefined }),
      }),
      throughAgentWire,
    );
  });

  it('the end of apps, and an older peer that does not send it', () => {
    const appIds = fc.array(any.anyId<AppId>(), { maxLength: 3 });
    roundTrips(fc.record({ kind: fc.constant('destroyedAck' as const), appIds }), throughAgentWire);
    const bare = decodeRawAgent({ hello: { agentVersion: '0.1.0', facts: {} } }) as { takesDestroyed: unknown };
    assert.equal(bare.takesDestroyed, false);
    const read = throughControllerWire({ kind: 'desired', ...many() }) as { state: DesiredState };
    assert.equal(read.state.destroyed, undefined);
  });

  it('the figures of a switch, with a gap of a newer agent, and never more errors than requests', () => {
    const key = { appId: any.anyId<AppId>(), release: fc.integer({ min: 1, max: 1_000 }) };
    const anyFigures = fc.record({
      ...{
        kind: fc.constant('switchFigures' as const),
        ...key,
        read: fc.nat(),
        requests: fc.constant(9),
        lostLines: fc.nat(),
      },
      ...{ codes: fc.constantFrom({}, { H13: 4, H27: 5 }), openRequests: fc.nat(), longestDrainMs: fc.nat() },
      gap: fc.constantFrom('late' as const, 'rotated' as const, 'no-log' as const, undefined),
    });
    roundTrips(anyFigures, throughAgentWire);
    const query = fc.record({ ...key, opening: fc.boolean(), read: fc.nat() });
    const switches = fc.array(query, { maxLength: 3 });
    roundTrips(fc.record({ kind: fc.constant('countSwitches' as const), switches }), throughControllerWire);
    const { kind: _, ...sent } = fc.sample(anyFigures, 1)[0]!;
    const raw = (change: object): unknown => decodeRawAgent({ switchFigures: { ...sent, gap: '', ...change } });
    assert.equal((raw({ gap: 'flooded' }) as { gap: string }).gap, 'late');
    for (const wrong of [{ codes: { H13: 10 } }, { codes: { 'a b': 1 } }, { longestDrainMs: -1 }])
      assert.throws(() => raw(wrong), { code: 'SLIP_RPC_BAD_MESSAGE' });
  });

  it('a report of any number of failed instances with long lines fits into one message', () => {
    const lastLines = Array.from({ length: 20 }, () => '漢'.repeat(5_000));
    const reason = { code: 'SLIP_APP_EXITED', message: '漢'.repeat(5_000), hint: '漢'.repeat(5_000) };
    for (const count of [1, 40, 20_000]) {
      const statuses = Array.from({ length: count }, (_, index) => ({
        ...{
          instanceId: `instance${String(index).padStart(8, '0')}` as InstanceId,
          state: 'failed' as const,
          restarts: 1,
        },
        ...{
          lastLines: index % 2 === 0 ? lastLines : ['bye'],
          reason,
          timingsMs: { fetch: 1, mount: 2, sandbox: 3, gate: 4, switch: 5 },
        },
      }));
      const bytes = Session.requestSerialize(encodeAgentMessage({ kind: 'instanceReport', statuses, complete: true }));
      assert.ok(bytes.length < MAX_MESSAGE_BYTES, `${String(count)}: ${String(bytes.length)} bytes`);
      const { statuses: read } = throughAgentWire({ kind: 'instanceReport', statuses, complete: true }) as {
        statuses: typeof statuses;
      };
      assert.deepEqual(read.at(1)?.lastLines ?? ['bye'], ['bye'], 'a short one keeps its lines');
    }
  });

  it('task output, results and failures', () => {
    const taskId = any.anyId<TaskId>();
    roundTrips(
      fc.record({ kind: fc.constant('taskOutput' as const), taskId, chunk: fc.uint8Array({ maxLength: 100 }) }),
      throughAgentWire,
    );
    const outcome = fc.oneof(
      fc.record({ ok: fc.constant(true as const), result: fc.oneof(any.anyBuildResult, any.anyCommandResult) }),
      fc.record({ ok: fc.constant(false as const), failure: any.anyReason }),
    );
    roundTrips(fc.record({ kind: fc.constant('taskResult' as const), taskId, outcome }), throughAgentWire);
  });

  it('log chunks, events and heartbeats', () => {
    const failure = fc.option(any.anyReason, { nil: undefined });
    roundTrips(
      fc.record({
        kind: fc.constant('logChunk' as const),
        queryId: any.anyId<string>(),
        lines: fc.array(any.anyLogLine, { maxLength: 3 }),
        end: fc.boolean(),
        failure,
      }),
      throughAgentWire,
    );
    roundTrips(
      fc.record({
        kind: fc.constant('nodeEvent' as const),
        atMs: fc.nat(),
        reason: any.anyReason,
        app: fc.option(any.anyAppName, { nil: undefined }),
        process: fc.option(fc.constant('web.1'), { nil: undefined }),
      }),
      throughAgentWire,
    );
    const numbers = fc.record({
      kind: fc.constant('heartbeat' as const),
      diskFreeBytes: fc.nat(),
      load1: fc.constantFrom(0, 0.25, 7.5),
      memoryFreeBytes: fc.nat(),
      unreachablePeerIds: fc.array(any.anyId<string>(), { maxLength: 2 }),
      host: fc.option(
        fc.record({
          missing: fc.array(fc.string(), { maxLength: 2 }),
          failure: fc.option(any.anyReason, { nil: undefined }),
        }),
        { nil: undefined },
      ),
      unreadableRequests: fc.option(
        fc.record({ count: fc.nat(), last: fc.option(anyUnreadable, { nil: undefined }) }),
        { nil: undefined },
      ),
    });
    roundTrips(numbers, throughAgentWire);
  });

  it('a heartbeat of an older agent without its peers, its machine and its proxy', () => {
    const { unreachablePeerIds, host, unreadableRequests } = decodeRawAgent({ heartbeat: { load1: 1 } }) as Heartbeat;
    assert.deepEqual(
      { unreachablePeerIds, host, unreadableRequests },
      { unreachablePeerIds: [], host: undefined, unreadableRequests: undefined },
    );
  });

  it('desired state, with its secrets', () => {
    roundTrips(fc.record({ kind: fc.constant('desired' as const), state: any.anyDesiredState }), throughControllerWire);
  });

  it('desired state, complete for an older agent and once per release: both give the same result', () => {
    const { state } = many();
    const [whole, compact] = [true, false].map((form) =>
      plain(throughControllerWire({ kind: 'desired', state, whole: form })),
    );
    assert.deepEqual(whole, compact);
    assert.deepEqual(plain(whole), plain({ kind: 'desired', state }));
    const wire = encodeControllerMessage({ kind: 'desired', state, whole: true }).desired;
    assert.deepEqual(
      [wire?.releases, wire?.withheld],
      [undefined, undefined],
      'an older agent ignores nothing that it needs',
    );
  });

  it('refuses an assignment whose release is missing, and ignores inherited properties of objects', () => {
    const { state } = many();
    const compact = encodeControllerMessage({ kind: 'desired', state }).desired!;
    assert.throws(
      () => decodeRawController({ desired: { ...compact, releases: [] } }),
      refusesWith(/assignments\.0\.app/),
    );
    const assignments = [{ ...compact.assignments?.[0], processType: 'constructor' }];
    assert.throws(
      () => decodeRawController({ desired: { ...compact, assignments } }),
      refusesWith(/assignments\.0\.command/),
    );
  });
});

describe('every message of tasks and queries survives the wire', () => {
  it('tasks, log queries and their cancellation, welcome', () => {
    roundTrips(
      fc.record({ kind: fc.constant('startTask' as const), task: fc.oneof(any.anyBuildTask, any.anyCommandTask) }),
      throughControllerWire,
    );
    roundTrips(
      fc.record({ kind: fc.constant('taskAck' as const), taskId: any.anyId<TaskId>() }),
      throughControllerWire,
    );
    roundTrips(
      fc.record({
        ...{ kind: fc.constant('runChecks' as const), run: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }) },
        instanceIds: fc.array(any.anyId<InstanceId>(), { maxLength: 3 }),
      }),
      throughControllerWire,
    );
    roundTrips(
      fc.record({
        ...{ kind: fc.constant('restartLeave' as const), instanceId: any.anyId<InstanceId>() },
        startedAtMs: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      }),
      throughControllerWire,
    );
    roundTrips(
      fc.record({ kind: fc.constant('cancelTask' as const), taskId: any.anyId<TaskId>() }),
      throughControllerWire,
    );
    roundTrips(
      fc.record({
        kind: fc.constant('logQuery' as const),
        queryId: any.anyId<string>(),
        app: any.anyAppName,
        appId: fc.option(any.anyId<AppId>(), { nil: undefined }),
        process: fc.option(fc.constant('web'), { nil: undefined }),
        lines: fc.nat({ max: 10_000 }),
        follow: fc.boolean(),
      }),
      throughControllerWire,
    );
    const epoch = { counter: 7, id: 'abc' };
    const versionMismatch = { code: 'SLIP_AGENT_VERSION', message: 'It is old.', hint: 'slipway nodes:upgrade n1' };
    const welcome = { kind: 'welcome' as const, heartbeatIntervalMs: 5_000, epoch, nodeName: 'n1' };
    const tasks = [{ taskId: 'task00000001' as TaskId, outputBytes: 7, outputLines: 2 }];
    roundTrips(
      fc.constantFrom({ ...welcome, versionMismatch, tasks: [] }, { ...welcome, versionMismatch: undefined, tasks }),
      throughControllerWire,
    );
  });

  it('a task of an older controller, which has no kind, and one of a kind that this agent does not know', () => {
    const [task] = fc.sample(any.anyBuildTask, { numRuns: 1, seed: 3 });
    assert.ok(task !== undefined);
    const { startTask } = encodeControllerMessage({ kind: 'startTask', task });
    const [old, today] = ['', 'build'].map((kind) =>
      JSON.stringify(decodeRawController({ startTask: { ...startTask, kind } })),
    );
    assert.ok(startTask?.kind === 'build' && old === today);
    const { taskId } = task;
    assert.deepEqual(decodeRawController({ startTask: { taskId, kind: 'dance' } }), {
      ...{ kind: 'unknownTask', taskId, taskKind: 'dance' },
    });
  });

  it('a welcome of an older controller without versions and tasks', () => {
    const decoded = decodeRawController({
      welcome: { heartbeatIntervalMs: 5_000, epoch: { counter: 7, id: 'abc' }, nodeName: 'n1' },
    });
    assert.deepEqual(decoded, {
      ...{
        kind: 'welcome',
        heartbeatIntervalMs: 5_000,
        epoch: { counter: 7, id: 'abc' },
        nodeName: 'n1',
        versionMismatch: undefined,
        tasks: [],
      },
    });
  });
});

describe('the desired state', () => {
  it('has the health checks of each process type, and none for an agent of before', () => {
    const { state } = many();
    const [check] = fc.sample(any.anyHealthCheck, { numRuns: 1, seed: 7 });
    const [first, ...others] = state.assignments;
    const checked = { ...state, assignments: [{ ...first!, checks: [check!] }, ...others] };
    const checksOf = (whole: boolean): unknown => {
      const read = throughControllerWire({ kind: 'desired', state: checked, whole }) as { state: DesiredState };
      return read.state.assignments.map(({ checks }) => checks?.length);
    };
    assert.deepEqual(checksOf(false), [1, ...others.map((one) => (isAlike(one, first!) ? 1 : undefined))]);
    assert.deepEqual(
      checksOf(true),
      state.assignments.map(() => undefined),
    );
  });
});
