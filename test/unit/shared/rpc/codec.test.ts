import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { DesiredState } from '../../../../shared/domain/assignment.ts';
import type { InstanceId, TaskId } from '../../../../shared/domain/ids.ts';
import type { ProcessType } from '../../../../shared/domain/names.ts';
import { Sensitive } from '../../../../shared/kit/sensitive.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';
import { decodeAgentMessage, encodeAgentMessage } from '../../../../shared/rpc/agent-codec.ts';
import { decodeControllerMessage, encodeControllerMessage } from '../../../../shared/rpc/controller-codec.ts';
import type { AgentMessage, ControllerMessage } from '../../../../shared/rpc/messages.ts';
import { loadAgentService, MAX_MESSAGE_BYTES, type WireAgentMessage, type WireControllerMessage } from '../../../../shared/rpc/service.ts';
import * as any from '../../../support/arbitraries.ts';

const { Session } = loadAgentService().service;

function throughAgentWire(message: AgentMessage): unknown {
  return decodeAgentMessage(Session.requestDeserialize(Session.requestSerialize(encodeAgentMessage(message))));
}

function throughControllerWire(message: ControllerMessage): unknown {
  return decodeControllerMessage(Session.responseDeserialize(Session.responseSerialize(encodeControllerMessage(message))));
}

/** Plain values for comparison: secrets shown, bytes as hex, absent fields gone. */
function plain(value: unknown): unknown {
  if (value instanceof Sensitive) return { secret: value.reveal() };
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, of]) => of !== undefined)
      .map(([name, of]) => [name, plain(of)]),
  );
}

function roundTrips<T>(messages: fc.Arbitrary<T>, through: (message: T) => unknown): void {
  fc.assert(
    fc.property(messages, (message) => {
      assert.deepEqual(plain(through(message)), plain(message));
    }),
    { numRuns: 100 },
  );
}

const refusesWith = (detail: RegExp) => (error: unknown) => {
  assert.ok(error instanceof SlipwayError);
  assert.equal(error.code, 'SLIP_RPC_BAD_MESSAGE');
  assert.match(error.message, detail);
  return true;
};

function decodeRawAgent(wire: WireAgentMessage): unknown {
  return decodeAgentMessage(Session.requestDeserialize(Session.requestSerialize(wire)));
}

function decodeRawController(wire: WireControllerMessage): unknown {
  return decodeControllerMessage(Session.responseDeserialize(Session.responseSerialize(wire)));
}

/** Two releases of one app with three process types. */
function many(): { readonly state: DesiredState } {
  const [sample] = fc.sample(any.anyAssignment, { numRuns: 1, seed: 7 });
  const assignments = [1, 2, 3, 4, 5, 6].map((index) => ({
    ...sample!,
    ...{ instanceId: `instance000${String(index)}` as InstanceId, release: 1 + (index % 2), ordinal: index },
    ...{ processType: `type${String(index % 3)}` as ProcessType, command: `run ${String(index % 3)}` },
  }));
  return { state: { epoch: { counter: 1, id: 'a' }, generation: 1, assignments, routes: [], massStopReason: '' } };
}

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
});

describe('every message survives the wire', () => {
  it('hello, with and without a ledger', () => {
    roundTrips(
      fc.record({
        kind: fc.constant('hello' as const),
        facts: anyFacts,
        ledger: fc.option(fc.record({ epoch: fc.record({ counter: fc.nat(), id: fc.string({ maxLength: 20 }) }), generation: fc.nat() }), {
          nil: undefined,
        }),
        cachedAppIds: fc.array(any.anyId<string>(), { maxLength: 3 }),
        runningTaskIds: fc.array(any.anyId<TaskId>(), { maxLength: 3 }),
        takesFleetRoutes: fc.boolean(),
        fleetRoutesDigest: fc.constantFrom('Zm9v', undefined),
        bootId: fc.constantFrom('7f3c', undefined),
        takesReleases: fc.boolean(),
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
        refusal: fc.option(any.anyReason, { nil: undefined }),
      }),
      throughAgentWire,
    );
  });

  it('a report of any number of failed instances with long lines fits into one message', () => {
    const lastLines = Array.from({ length: 20 }, () => '漢'.repeat(5_000));
    const reason = { code: 'SLIP_APP_EXITED', message: '漢'.repeat(5_000), hint: '漢'.repeat(5_000) };
    for (const count of [1, 40, 20_000]) {
      const statuses = Array.from({ length: count }, (_, index) => ({
        ...{ instanceId: `instance${String(index).padStart(8, '0')}` as InstanceId, state: 'failed' as const, restarts: 1 },
        ...{ lastLines: index % 2 === 0 ? lastLines : ['bye'], reason, timingsMs: { fetch: 1, mount: 2, sandbox: 3, gate: 4, switch: 5 } },
      }));
      const bytes = Session.requestSerialize(encodeAgentMessage({ kind: 'instanceReport', statuses, complete: true }));
      assert.ok(bytes.length < MAX_MESSAGE_BYTES, `${String(count)}: ${String(bytes.length)} bytes`);
      const { statuses: read } = throughAgentWire({ kind: 'instanceReport', statuses, complete: true }) as { statuses: typeof statuses };
      assert.deepEqual(read.at(1)?.lastLines ?? ['bye'], ['bye'], 'a short one keeps its lines');
    }
  });

  it('task output, results and failures', () => {
    const taskId = any.anyId<TaskId>();
    roundTrips(fc.record({ kind: fc.constant('taskOutput' as const), taskId, chunk: fc.uint8Array({ maxLength: 100 }) }), throughAgentWire);
    const outcome = fc.oneof(
      fc.record({ ok: fc.constant(true as const), result: any.anyBuildResult }),
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
        fc.record({ missing: fc.array(fc.string(), { maxLength: 2 }), trouble: fc.option(any.anyReason, { nil: undefined }) }),
        { nil: undefined },
      ),
    });
    roundTrips(numbers, throughAgentWire);
  });

  it('desired state, with its secrets', () => {
    roundTrips(fc.record({ kind: fc.constant('desired' as const), state: any.anyDesiredState }), throughControllerWire);
  });

  it('desired state, whole for an agent of before and once per release: both are read alike', () => {
    const { state } = many();
    const [whole, compact] = [true, false].map((form) => plain(throughControllerWire({ kind: 'desired', state, whole: form })));
    assert.deepEqual(whole, compact);
    assert.deepEqual(plain(whole), plain({ kind: 'desired', state }));
    const wire = encodeControllerMessage({ kind: 'desired', state, whole: true }).desired;
    assert.deepEqual([wire?.releases, wire?.withheld], [undefined, undefined], 'an older agent ignores nothing that it needs');
  });

  it('refuses an assignment whose release is not there, and takes no command that an object has by nature', () => {
    const { state } = many();
    const compact = encodeControllerMessage({ kind: 'desired', state }).desired!;
    assert.throws(() => decodeRawController({ desired: { ...compact, releases: [] } }), refusesWith(/assignments\.0\.app/));
    const assignments = [{ ...compact.assignments?.[0], processType: 'constructor' }];
    assert.throws(() => decodeRawController({ desired: { ...compact, assignments } }), refusesWith(/assignments\.0\.command/));
  });

  it('tasks, log queries and their cancellation, welcome', () => {
    roundTrips(fc.record({ kind: fc.constant('startTask' as const), task: any.anyBuildTask }), throughControllerWire);
    roundTrips(fc.record({ kind: fc.constant('cancelTask' as const), taskId: any.anyId<TaskId>() }), throughControllerWire);
    roundTrips(
      fc.record({
        kind: fc.constant('logQuery' as const),
        queryId: any.anyId<string>(),
        app: any.anyAppName,
        process: fc.option(fc.constant('web'), { nil: undefined }),
        lines: fc.nat({ max: 10_000 }),
        follow: fc.boolean(),
      }),
      throughControllerWire,
    );
    const epoch = { counter: 7, id: 'abc' };
    const versionTrouble = { code: 'SLIP_AGENT_VERSION', message: 'It is old.', hint: 'slipway nodes:upgrade n1' };
    const welcome = { kind: 'welcome' as const, heartbeatIntervalMs: 5_000, epoch, nodeName: 'n1' };
    roundTrips(fc.constantFrom({ ...welcome, versionTrouble }, { ...welcome, versionTrouble: undefined }), throughControllerWire);
  });

  it('a welcome of a controller that says nothing of versions', () => {
    const decoded = decodeRawController({ welcome: { heartbeatIntervalMs: 5_000, epoch: { counter: 7, id: 'abc' }, nodeName: 'n1' } });
    assert.deepEqual(decoded, {
      ...{ kind: 'welcome', heartbeatIntervalMs: 5_000, epoch: { counter: 7, id: 'abc' }, nodeName: 'n1', versionTrouble: undefined },
    });
  });
});

describe('a bad message is refused by name', () => {
  it('names the field and the rule, not the value', () => {
    assert.throws(() => decodeRawAgent({ taskOutput: { taskId: '../../etc/passwd' } }), refusesWith(/task_output\.taskId is not an id/));
    const stolen = { desired: { generation: 1, epoch: { counter: 1, id: 'a' }, assignments: [{ config: { 'BAD NAME': 's3cret' } }] } };
    assert.throws(
      () => decodeRawController(stolen),
      (error: unknown) => {
        assert.ok(error instanceof SlipwayError);
        return !error.message.includes('s3cret');
      },
    );
  });

  it('refuses numbers that lose digits, and infinite ones', () => {
    assert.throws(() => decodeRawAgent({ heartbeat: { diskFreeBytes: '18446744073709551615' } }), refusesWith(/heartbeat\.diskFreeBytes/));
    assert.throws(() => decodeRawAgent({ heartbeat: { load1: Infinity } }), refusesWith(/heartbeat\.load1/));
  });

  it('refuses lists and chunks beyond their limit', () => {
    const chunk = Buffer.alloc(256 * 1024 + 1);
    assert.throws(() => decodeRawAgent({ taskOutput: { taskId: 'task00000001', chunk } }), refusesWith(/too long/));
    const lines = Array.from({ length: 1_001 }, () => ({ process: 'web.1', source: 'app' }));
    assert.throws(() => decodeRawAgent({ logChunk: { queryId: 'query0000001', lines } }), refusesWith(/log_chunk\.lines/));
  });

  it('refuses a desired state that names an instance twice or asks for an unknown thing', () => {
    const [assignment] = fc.sample(any.anyAssignment, { numRuns: 1, seed: 1 });
    const state = { epoch: { counter: 1, id: 'a' }, generation: 1, routes: [], massStopReason: '' };
    const twice = encodeControllerMessage({ kind: 'desired', state: { ...state, assignments: [assignment!, assignment!] } });
    assert.throws(() => decodeRawController(twice), refusesWith(/twice/));
    const once = encodeControllerMessage({ kind: 'desired', state: { ...state, assignments: [assignment!] } });
    const odd = { desired: { ...once.desired, assignments: [{ ...once.desired?.assignments?.[0], desired: 'explode' }] } };
    assert.throws(() => decodeRawController(odd), refusesWith(/assignments\.0\.desired/));
  });

  it('reads a task result it cannot understand as the failure of that task', () => {
    const slug = { layers: [], processTypes: {}, stack: 'host', commit: 'x' };
    const read = decodeRawAgent({ taskResult: { taskId: 'task00000001', build: { slug } } });
    const { outcome } = read as { outcome: { ok: boolean; failure?: { code: string } } };
    assert.equal(outcome.ok, false);
    assert.equal(outcome.failure?.code, 'SLIP_RPC_BAD_MESSAGE');
  });

  it('reads a state it does not know as pending, and a message it does not know as unknown', () => {
    const report = decodeRawAgent({ instanceReport: { statuses: [{ instanceId: 'instance0001', state: 'hibernating' }] } });
    assert.equal((report as { statuses: { state: string }[] }).statuses[0]?.state, 'pending');
    assert.deepEqual(decodeRawAgent({}), { kind: 'unknown' });
  });

  it('never crashes on random bytes: it throws an error or reads a message', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeAgentMessage(Session.requestDeserialize(Buffer.from(bytes)));
        } catch (error) {
          assert.ok(error instanceof Error);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('clips free text instead of losing the message', () => {
    const reason = { code: 'SLIP_X', message: 'x'.repeat(10_000) };
    const ack = throughAgentWire({ kind: 'desiredAck', generation: 1, refusal: reason }) as { refusal: { message: string } };
    assert.equal(ack.refusal.message.length, 4_000);
  });
});
