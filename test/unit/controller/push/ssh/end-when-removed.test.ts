import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { endWhenRemoved } from '../../../../../controller/push/ssh/end-when-removed.ts';
import { SlipwayError } from '../../../../../shared/kit/errors.ts';
import { VirtualClock } from '../../../../scenario/world/virtual-clock.ts';

/** More than the buffers of both ends take. */
const MUCH = Buffer.alloc(64 * 1024 * 1024);
const REMOVED = new SlipwayError({ code: 'SLIP_KEY_REMOVED', message: 'The key was removed.' });

async function openPair(): Promise<{ readonly ours: Socket; readonly theirs: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const theirs = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [ours] = (await accepted) as [Socket];
  server.close();
  for (const socket of [ours, theirs]) socket.on('error', () => undefined);
  return { ours, theirs };
}

describe('a connection whose key is removed', () => {
  it('is cut off after 2 s when its client does not read', async () => {
    const { ours, theirs } = await openPair();
    const [clock, removed] = [new VirtualClock(), new AbortController()];
    endWhenRemoved(ours, { removed: removed.signal, clock, say: () => ours.write(MUCH) });
    removed.abort(REMOVED);
    await clock.advance(1_999);
    assert.equal(ours.destroyed, false);
    await clock.advance(1);
    assert.equal(ours.destroyed, true);
    theirs.destroy();
  });

  it('gives its client the reason', async () => {
    const { ours, theirs } = await openPair();
    const [clock, removed] = [new VirtualClock(), new AbortController()];
    endWhenRemoved(ours, { removed: removed.signal, clock, say: (reason) => ours.write(reason) });
    const closed = once(ours, 'close');
    removed.abort(REMOVED);
    assert.equal(String(Buffer.concat(await theirs.toArray())), 'The key was removed.');
    await closed;
  });
});
