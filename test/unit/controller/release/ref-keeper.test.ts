import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import pino from 'pino';
import { RefKeeper } from '../../../../controller/release/ref-keeper.ts';
import type { App } from '../../../../controller/domain/apps.ts';
import type { Release } from '../../../../controller/domain/releases.ts';
import type { Store } from '../../../../controller/store/port.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';
import { eventually } from '../../../support/eventually.ts';

const app = { id: 'app00001', name: 'shop' } as App;
const full = new SlipwayError({ code: 'SLIP_PUSH_REF_WRITE', kind: 'transient', message: 'no room' });

/** Time that passes at once, but not within the same turn of the event loop. */
const clock = {
  nowMs: () => 0,
  monotonicMs: () => 0,
  sleep: (_ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) =>
      setImmediate(() => (signal?.aborted === true ? reject(new Error('stopped')) : resolve())),
    ),
};

function keeper(moveRef: (commit: string) => Promise<void>, current: () => string): RefKeeper {
  const release = () => ({ ref: 'refs/heads/main', slug: { commit: current() } }) as Release;
  const store = { currentRelease: () => Promise.resolve(release()) } as unknown as Store; // what it reads of a store
  return new RefKeeper({
    store,
    clock,
    log: pino({ level: 'silent' }),
    moveRef: (_app, _ref, commit) => moveRef(commit),
  });
}

describe('a deploy ref', () => {
  it('is moved at once when the disk has room', async () => {
    const moved: string[] = [];
    const refs = keeper(
      (commit) => Promise.resolve(void moved.push(commit)),
      () => 'c1',
    );
    assert.equal(await refs.sync(app, new AbortController().signal), undefined);
    assert.deepEqual(moved, ['c1']);
  });

  it('is told of a release without a ref too, and of no release', async () => {
    const moved: unknown[] = [];
    let current: unknown = { slug: { commit: 'c1' } };
    const refs = new RefKeeper({
      store: { currentRelease: () => Promise.resolve(current) } as unknown as Store, // what it reads of a store
      clock,
      log: pino({ level: 'silent' }),
      moveRef: (_app, ref, commit) => Promise.resolve(void moved.push([ref, commit])),
    });
    await refs.sync(app, new AbortController().signal);
    current = undefined;
    await refs.sync(app, new AbortController().signal);
    assert.deepEqual(moved, [[undefined, 'c1']]);
  });

  it('is moved later, when the disk has room, to the release that is current then', async () => {
    const moved: string[] = [];
    let room = false;
    let current = 'c1';
    const refs = keeper(
      (commit) => (room ? Promise.resolve(void moved.push(commit)) : Promise.reject(full)),
      () => current,
    );
    const { signal } = new AbortController();
    assert.equal((await refs.sync(app, signal))?.code, 'SLIP_PUSH_REF_WRITE');
    await refs.sync(app, signal);
    current = 'c2';
    room = true;
    await eventually('it was moved', () => moved.length > 0);
    assert.deepEqual(moved, ['c2'], 'by one loop, however often it failed');
  });

  it('is not moved after the controller stops', async () => {
    const stop = new AbortController();
    let tries = 0;
    const refs = keeper(
      () => ((tries += 1), Promise.reject(full)),
      () => 'c1',
    );
    await refs.sync(app, stop.signal);
    stop.abort();
    const before = tries;
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    assert.ok(tries <= before + 1);
    await assert.rejects(refs.sync(app, stop.signal), { code: 'SLIP_PUSH_REF_WRITE' });
  });
});
