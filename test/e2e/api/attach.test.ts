import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { PassThrough, type Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { after, before, beforeEach, describe, it } from 'node:test';
import { openStream } from '../../../cli/stream-transport.ts';
import { ATTACH_LIMITS } from '../../../controller/api/operations/attach.ts';
import {
  decodeFailure,
  encodeFailure,
  encodeFrame,
  encodeNotice,
  encodeStart,
  FRAME,
  FrameReader,
  type Frame,
} from '../../../shared/attach/frames.ts';
import type { StatusBody } from '../../../shared/api/observe.ts';
import type { InstanceId } from '../../../shared/domain/ids.ts';
import { openApi, type ApiFixture, type Caller } from '../../support/api-fixture.ts';
import { eventually } from '../../support/eventually.ts';
import { liveNodeOf } from '../../support/live-node.ts';
import { addApp, assignment, newRelease, noChange } from '../../support/store-fixtures.ts';

const PATH = '/v1/apps/hello/instances/web.1/attach';

describe('streams to instances over the API', () => {
  let fixture: ApiFixture;
  let ada: Caller;
  let eve: Caller;
  let instance: InstanceId;
  let inside: Duplex[];
  before(async () => {
    fixture = await openApi();
    const owner = await fixture.addCaller('ada');
    [ada, eve] = [owner.caller, (await fixture.addCaller('eve')).caller];
    const app = await addApp(fixture.store, owner.user.id, 'hello');
    const { node } = await fixture.addNodeCaller('fra-1');
    await fixture.store.createRelease(newRelease(app, {}));
    const row = assignment({ nodeId: node.id, appId: app.id, release: 1 });
    await fixture.store.changeAssignments({ ...noChange, add: [row] });
    instance = row.instanceId;
    fixture.fleet.live = [liveNodeOf(node)];
  });
  beforeEach(() => {
    inside = [];
    const status = { instanceId: instance, state: 'live', restarts: 0, lastLines: [], timingsMs: {} } as const;
    fixture.fleet.statuses.set(instance, status);
    fixture.fleet.attaching = (_node, target) => {
      assert.deepEqual(target, { sandboxId: instance });
      const echo = new PassThrough();
      inside.push(echo);
      return Promise.resolve(echo);
    };
  });
  after(() => fixture.close());

  const open = (caller: Caller, path = PATH): Promise<Duplex> =>
    openStream({ url: fixture.url, token: caller.token ?? '', caPem: fixture.authority.caPem }, path);

  it('passes bytes in both directions, and closes the other end with each end', async () => {
    const stream = await open(ada);
    const frame = encodeFrame(FRAME.input, Buffer.from('there and back'));
    stream.write(frame);
    const [heard] = (await once(stream, 'data')) as [Buffer];
    assert.deepEqual(heard, frame);
    stream.destroy();
    await eventually('the other end', () => inside[0]?.destroyed === true);
    const second = await open(ada);
    second.resume();
    inside[1]?.destroy();
    await once(second, 'close');
  });

  it('makes an event with the name of the person and what really started, once', async () => {
    const stream = await open(ada, `${PATH}?purpose=forward`);
    const heard = buffer(stream);
    stream.write(encodeStart({ mode: 'pty', size: { rows: 24, columns: 80 }, term: 'xterm', words: [] }));
    const event = await eventually('the event', async () =>
      (await fixture.store.events({ limit: 10 })).find(({ kind }) => kind === 'instance.shell_opened'),
    );
    assert.deepEqual(
      [event.actor, event.app, event.instance, event.node, event.message],
      ['ada', 'hello', 'web.1', 'fra-1', 'ada opened a shell in web.1.'],
    );
    stream.write(encodeStart({ mode: 'port', port: 5000 }));
    // The process only sends the first start frame back. The user reads why the second one was refused.
    const frames = new FrameReader().push(await heard);
    assert.deepEqual(
      frames.map(({ kind }) => kind),
      [FRAME.start, FRAME.failure],
    );
    assert.equal(decodeFailure(frames[1]!.content).code, 'SLIP_ATTACH_FRAME');
    const kinds = (await fixture.store.events({ limit: 10 })).map(({ kind }) => kind);
    assert.ok(!kinds.includes('instance.port_forwarded'));
  });

  it('says the same of the app of another user as of none, and opens nothing', async () => {
    await assert.rejects(open(eve), { code: 'SLIP_APP_NOT_FOUND', httpStatus: 404 });
    await assert.rejects(open({ token: 'wrong' }), { code: 'SLIP_UNAUTHORISED' });
    assert.equal(inside.length, 0);
  });

  it('refuses an instance that does not exist or does not run', async () => {
    await assert.rejects(open(ada, PATH.replace('web.1', 'web.9')), { code: 'SLIP_ATTACH_INSTANCE', httpStatus: 404 });
    fixture.fleet.statuses.clear();
    await assert.rejects(open(ada), { code: 'SLIP_ATTACH_INSTANCE', httpStatus: 409 });
  });

  it('tells the user of a drain, shows the session to its owner only, and says why it ended', async () => {
    const stream = await open(ada);
    const frames: Frame[] = [];
    const reader = new FrameReader();
    stream.on('data', (chunk: Buffer) => frames.push(...reader.push(chunk)));
    stream.write(encodeStart({ mode: 'pty', size: { rows: 24, columns: 80 }, term: 'xterm', words: [] }));
    const sessions = async (caller: Caller): Promise<StatusBody['sessions']> =>
      ((await (await fixture.call(caller, 'GET', '/v1/status')).body.json()) as StatusBody).sessions;
    const [shown] = await eventually('the session is shown', () => sessions(ada));
    assert.deepEqual(
      [shown?.user, shown?.instance, shown?.node, shown?.purpose, await sessions(eve)],
      ['ada', 'web.1', 'fra-1', 'shell', undefined],
    );
    const [node] = await fixture.store.nodes();
    await fixture.store.changeNode(node!.id, { drainUntilMs: Date.now() + 60_000 });
    const notice = await eventually('the notice', () => frames.find(({ kind }) => kind === FRAME.notice));
    assert.match(notice.content.toString(), /^fra-1 is being drained until .* This session ends when web\.1 has moved/);
    // The sandbox only knows that it stops.
    inside[0]?.write(encodeFailure({ code: 'SLIP_ATTACH_STOPPED', message: 'The instance stops.' }));
    const failure = await eventually('the failure', () => frames.find(({ kind }) => kind === FRAME.failure));
    assert.deepEqual(
      [decodeFailure(failure.content).code, decodeFailure(failure.content).hint],
      ['SLIP_ATTACH_REPLACED', 'Open a new session: slipway ps:exec web.1 -a hello'],
    );
    stream.destroy();
    await eventually('the session is not shown any more', async () => (await sessions(ada)) === undefined);
    await fixture.store.changeNode(node!.id, { drainUntilMs: null });
  });

  it('passes no notice of a sandbox on', async () => {
    const stream = await open(ada);
    const heard = buffer(stream);
    inside[0]?.write(encodeNotice('Type your password.'));
    const [frame] = new FrameReader().push(await heard);
    assert.equal(decodeFailure(frame!.content).code, 'SLIP_ATTACH_FRAME');
  });

  it('closes the connection of a request that it refused, although the client keeps it open', async () => {
    const { hostname, port } = new URL(fixture.url);
    const raw = connectTcp({ host: hostname, port: Number(port), allowHalfOpen: true });
    const socket = connect({ socket: raw, ca: fixture.authority.caPem });
    const head = [
      'Host: x',
      'Connection: Upgrade',
      'Upgrade: slipway-attach',
      `Authorization: Bearer ${eve.token ?? ''}`,
    ];
    socket.on('error', () => undefined).write(`GET ${PATH} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 404 /);
    // The other end reads nothing, so only an end of the whole connection stops these bytes.
    await eventually('the end of the connection', () => socket.destroyed || !socket.write('more'));
    socket.destroy();
  });

  it('refuses an ordinary request, and passes on why the node cannot be reached', async () => {
    const answer = await fixture.call(ada, 'GET', PATH);
    assert.equal(answer.statusCode, 426);
    await answer.body.dump();
    fixture.fleet.attaching = undefined;
    await assert.rejects(open(ada), { code: 'SLIP_ATTACH_NODE_AWAY' });
  });

  it('bounds the open streams of an app, and forgets those that are closed', async () => {
    const streams = await Promise.all(Array.from({ length: ATTACH_LIMITS.app }, () => open(ada)));
    await assert.rejects(open(ada), { code: 'SLIP_ATTACH_LIMIT', httpStatus: 429 });
    for (const stream of streams) stream.destroy();
    const last = await eventually('room', () => open(ada).catch(() => undefined));
    last.destroy();
  });

  it('ends all streams when the controller stops', async () => {
    const stream = await open(ada);
    stream.resume();
    const closed = once(stream, 'close');
    await fixture.api.close();
    await closed;
    assert.equal(inside[0]?.destroyed, true);
  });
});
