import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, type Duplex } from 'node:stream';
import { after, before, beforeEach, describe, it } from 'node:test';
import { openStream } from '../../../cli/stream-transport.ts';
import { newApiToken } from '../../../controller/access/tokens.ts';
import type { User } from '../../../controller/domain/users.ts';
import { encodeFrame, FRAME, FrameReader, type Frame } from '../../../shared/attach/frames.ts';
import type { ErrorBody } from '../../../shared/api/schema.ts';
import { openApi, type ApiFixture, type Caller } from '../../support/api-fixture.ts';
import { eventually } from '../../support/eventually.ts';
import { liveNodeOf } from '../../support/live-node.ts';
import { addApp, assignment, newRelease, noChange } from '../../support/store-fixtures.ts';

describe('a token that is revoked', () => {
  let fixture: ApiFixture;
  let ada: User;
  /** The token that stays. */
  let kept: Caller;
  let lost: { readonly caller: Caller; readonly id: string };
  let inside: Duplex[];
  before(async () => {
    fixture = await openApi();
    ({ user: ada, caller: kept } = await fixture.addCaller('ada'));
    const app = await addApp(fixture.store, ada.id, 'hello');
    const { node } = await fixture.addNodeCaller('fra-1');
    await fixture.store.createRelease(newRelease(app, {}));
    const row = assignment({ nodeId: node.id, appId: app.id, release: 1 });
    await fixture.store.changeAssignments({ ...noChange, add: [row] });
    fixture.fleet.live = [liveNodeOf(node)];
    const { instanceId } = row;
    fixture.fleet.statuses.set(instanceId, { instanceId, state: 'live', restarts: 0, lastLines: [], timingsMs: {} });
    fixture.fleet.attaching = () => {
      const echo = new PassThrough();
      inside.push(echo);
      return Promise.resolve(echo);
    };
    fixture.fleet.following = async function* (signal) {
      yield { atMs: 1, source: 'app', process: 'web.1', message: 'live' };
      await once(signal, 'abort');
    };
  });
  beforeEach(async () => {
    inside = [];
    const token = newApiToken();
    const stored = { userId: ada.id, secretHash: token.secretHash, description: 'lost' };
    lost = { caller: { token: token.secret.reveal() }, id: (await fixture.store.addToken(stored)).id };
  });
  after(() => fixture.close());

  const attach = ({ token = '' }: Caller): Promise<Duplex> =>
    openStream({ url: fixture.url, token, caPem: fixture.authority.caPem }, '/v1/apps/hello/instances/web.1/attach');

  /** With the token itself, as a person does who has only one. */
  async function revoke(): Promise<void> {
    const answer = await fixture.call(lost.caller, 'DELETE', `/v1/tokens/${lost.id}`);
    assert.equal(answer.statusCode, 204);
  }

  it('ends an attached stream with the reason, between two frames, and leaves those of other tokens open', async () => {
    const [ended, open] = [await attach(lost.caller), await attach(kept)];
    const [reader, frames]: [FrameReader, Frame[]] = [new FrameReader(), []];
    ended.on('data', (chunk: Buffer) => frames.push(...reader.push(chunk)));
    const half = encodeFrame(FRAME.output, Buffer.alloc(1000, 'x')).subarray(0, 500);
    inside[0]?.push(half);
    const closed = once(ended, 'close');
    await revoke();
    await closed;
    assert.deepEqual(
      frames.map(({ kind }) => kind),
      [FRAME.failure],
    );
    assert.match(String(frames[0]?.content), /^SLIP_TOKEN_REVOKED\0The API token of this connection was revoked/);
    await eventually('the end of the process', () => inside[0]?.destroyed === true);
    open.write(encodeFrame(FRAME.ping));
    await once(open, 'data');
    open.destroy();
  });

  it('ends a stream whose client does not read', async () => {
    const stream = await attach(lost.caller);
    stream.pause();
    await revoke();
    await eventually('the end of the process', () => inside[0]?.destroyed === true);
    stream.destroy();
  });

  for (const path of ['/v1/apps/hello/logs?follow=true', '/v1/events?follow=true', '/v1/status?follow=true']) {
    it(`ends ${path} with the reason as its last line`, async () => {
      const answer = await fixture.call(lost.caller, 'GET', path);
      assert.equal(answer.statusCode, 200);
      const text = answer.body.text();
      await revoke();
      const last = (await text).trimEnd().split('\n').at(-1) ?? '';
      assert.equal((JSON.parse(last) as ErrorBody).error, 'SLIP_TOKEN_REVOKED');
    });
  }
});
