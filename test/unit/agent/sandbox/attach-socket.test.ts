import assert from 'node:assert/strict';
import { once } from 'node:events';
import { lstat, mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { acceptAttach } from '../../../../agent/sandbox/attach-socket.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { eventually } from '../../../support/eventually.ts';

describe('the socket for a command in a sandbox', () => {
  it('takes one connection, and closes all others of an app that connects many times', async (t) => {
    const dir = await mkdtemp(join(tmpdir(), 'slipway-attach-'));
    const path = join(dir, 'attach');
    const sockets: Socket[] = [];
    t.after(async () => {
      for (const socket of sockets) socket.destroy();
      await rm(dir, { recursive: true, force: true });
    });
    const call = async (): Promise<boolean> => {
      sockets.push(...Array.from({ length: 50 }, () => connect(path).on('error', () => undefined)));
      await Promise.all(sockets.map((socket) => once(socket, 'connect')));
      for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate); // the server accepts what it can
      return true;
    };
    const accepted = await acceptAttach({ path, owner: undefined, call }, systemClock);
    for (const socket of sockets) socket.resume();
    await eventually('one open connection', () => sockets.filter(({ destroyed }) => !destroyed).length === 1);
    await assert.rejects(lstat(path), { code: 'ENOENT' });
    accepted.destroy();
  });
});
