import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import { Attachments } from '../../../agent/session/attachments.ts';
import { createChannels, type AttachCall } from '../../../agent/session/channel.ts';
import { readNodeTls, type NodeTls } from '../../../agent/session/node-files.ts';
import type { NodeId } from '../../../shared/domain/ids.ts';
import { SlipwayError } from '../../../shared/kit/errors.ts';
import { silentLogger } from '../../../shared/kit/log.ts';
import { FRAME, FrameReader } from '../../../shared/attach/frames.ts';
import { openControllerServers, type ControllerServers } from '../../support/controller-servers.ts';
import { eventually } from '../../support/eventually.ts';
import { HELLO, openRawAgent, type RawAgent } from '../../support/raw-agent.ts';

const SANDBOX = 'abcdefgh12345678';

interface Party {
  readonly id: NodeId;
  readonly stateDir: string;
  readonly tls: NodeTls;
  readonly raw: RawAgent;
}

async function join(t: TestContext, servers: ControllerServers, name: string, takesAttach = true): Promise<Party> {
  const { row, stateDir } = await servers.machine(name);
  const tls = await readNodeTls(stateDir);
  const raw = openRawAgent(t, servers, tls);
  raw.send({ hello: { ...HELLO, takesAttach } });
  await eventually('a desired state', () => raw.heard.some((one) => one.desired));
  return { id: row.id, stateDir, tls, raw };
}

function address(servers: ControllerServers): string {
  return `localhost:${String(servers.port)}`;
}

async function orderedStream({ raw }: Party): Promise<string> {
  return await eventually('the order', () => raw.heard.findLast((one) => one.openAttach)?.openAttach?.streamId);
}

function call(
  t: TestContext,
  servers: ControllerServers,
  tls: NodeTls,
): { call: AttachCall; ended: () => string | undefined } {
  const channel = createChannels()(tls, {
    address: address(servers),
    keepaliveTimeMs: 20_000,
    keepaliveTimeoutMs: 10_000,
  });
  const opened = channel.attach();
  let ended: string | undefined;
  opened.on('error', (error: Error) => (ended ??= error.message));
  opened.resume();
  t.after(() => {
    opened.cancel();
    channel.close();
  });
  return { call: opened, ended: () => ended };
}

describe('streams of bytes between controller and agent', () => {
  it('carry bytes unchanged in both directions, on a connection of their own', async (t) => {
    const servers = await openControllerServers(t);
    const mine = await join(t, servers, 'mine');
    const inside = new PassThrough(); // sends everything back
    const attachments = new Attachments({
      ...{ address: address(servers), stateDir: mine.stateDir, log: silentLogger },
      attach: ({ sandboxId }) =>
        sandboxId === SANDBOX ? Promise.resolve(inside) : Promise.reject(new Error('another sandbox')),
    });
    const opening = servers.dispatch.fleet.attach(mine.id, { sandboxId: SANDBOX }, AbortSignal.timeout(60_000));
    attachments.open({ streamId: await orderedStream(mine), sandboxId: SANDBOX, waits: false });
    const stream = await opening;
    const sent = randomBytes(5_000_000);
    const received: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => received.push(chunk));
    stream.write(sent);
    await eventually('all bytes', () => received.reduce((sum, { length }) => sum + length, 0) === sent.length);
    assert.ok(Buffer.concat(received).equals(sent));
    stream.destroy();
    await eventually('the end in the sandbox', () => inside.destroyed);
    attachments.close();
  });

  it('carry the failure of the agent to the person', async (t) => {
    const servers = await openControllerServers(t);
    const mine = await join(t, servers, 'mine');
    const attachments = new Attachments({
      ...{ address: address(servers), stateDir: mine.stateDir, log: silentLogger },
      attach: () => Promise.reject(new SlipwayError({ code: 'SLIP_ATTACH_OLD_INSTANCE', message: 'Too old.' })),
    });
    const opening = servers.dispatch.fleet.attach(mine.id, { sandboxId: SANDBOX }, AbortSignal.timeout(60_000));
    attachments.open({ streamId: await orderedStream(mine), sandboxId: SANDBOX, waits: false });
    const stream = await opening;
    const reader = new FrameReader();
    const frames: string[] = [];
    stream.on('data', (chunk: Buffer) => {
      for (const { kind, content } of reader.push(chunk)) if (kind === FRAME.failure) frames.push(content.toString());
    });
    await eventually('the failure', () => frames.length === 1);
    assert.equal(frames[0], 'SLIP_ATTACH_OLD_INSTANCE\0Too old.\0');
    stream.destroy();
  });

  it('are refused to another node, which cannot take them, and to a caller without a certificate of the fleet', async (t) => {
    const servers = await openControllerServers(t);
    const [mine, theirs] = [await join(t, servers, 'mine'), await join(t, servers, 'theirs')];
    const opening = servers.dispatch.fleet.attach(mine.id, { sandboxId: SANDBOX }, AbortSignal.timeout(60_000));
    const streamId = await orderedStream(mine);
    const foreign = call(t, servers, theirs.tls);
    foreign.call.write({ streamId });
    await eventually('the refusal', () => foreign.ended());
    assert.match(foreign.ended() ?? '', /This node was not asked for this stream/);
    const own = call(t, servers, mine.tls);
    own.call.write({ streamId });
    (await opening).destroy();
    const again = call(t, servers, mine.tls);
    again.call.write({ streamId });
    await eventually('an id is used once', () => again.ended());
    await servers.store.setNodeState(theirs.id, 'removed');
    const removed = call(t, servers, theirs.tls);
    removed.call.write({ streamId });
    await eventually('a removed node', () => removed.ended());
    assert.match(removed.ended() ?? '', /No node of this fleet|removed/);
  });

  it('are not asked of an older agent, nor of a node that is away', async (t) => {
    const servers = await openControllerServers(t);
    const old = await join(t, servers, 'old', false);
    const attach = (): Promise<unknown> =>
      servers.dispatch.fleet.attach(old.id, { sandboxId: SANDBOX }, AbortSignal.timeout(60_000));
    await assert.rejects(attach(), { code: 'SLIP_ATTACH_OLD_AGENT', hint: 'Upgrade it: slipway nodes:upgrade old' });
    assert.ok(!old.raw.heard.some((one) => one.openAttach));
    old.raw.call.cancel();
    await eventually('it is away', () => servers.dispatch.fleet.node(old.id)?.connected === false);
    await assert.rejects(attach(), { code: 'SLIP_ATTACH_NODE_AWAY' });
  });
});
