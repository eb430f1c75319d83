import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GitTurns, type Turn } from '../../../../controller/push/git-turns.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';

const LIMITS = { max: 2, maxPerUser: 1, slowAfterMs: 60_000, minBytesPerSecond: 1_000 };

function enter(
  turns: GitTurns,
  user: string,
): { turn: () => Turn | undefined; waited: () => number; cancel: () => void } {
  const stop = new AbortController();
  let [turn, waited]: [Turn | undefined, number] = [undefined, 0];
  turns.enter(user, { signal: stop.signal, waiting: () => (waited += 1) }).then(
    (got) => (turn = got),
    () => undefined,
  );
  return { turn: () => turn, waited: () => waited, cancel: () => stop.abort(new Error('gone')) };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('limits the turns of one user and of all users together', async () => {
  const turns = new GitTurns(LIMITS, new VirtualClock());
  const [ann, again, bob, cid] = [enter(turns, 'ann'), enter(turns, 'ann'), enter(turns, 'bob'), enter(turns, 'cid')];
  await settle();
  const users = [ann, again, bob, cid];
  assert.deepEqual(
    users.map((one) => one.turn() !== undefined),
    [true, false, true, false],
  );
  assert.deepEqual(
    users.map((one) => one.waited()),
    [0, 1, 0, 1],
  );
  bob.turn()?.leave();
  await settle();
  assert.equal(again.turn(), undefined, 'ann has one');
  assert.notEqual(cid.turn(), undefined);
  again.cancel();
  ann.turn()?.leave();
  ann.turn()?.leave();
  await settle();
  assert.equal(again.turn(), undefined);
});

test('ends a slow turn only while others wait, and never a fast one', async () => {
  const clock = new VirtualClock();
  const turns = new GitTurns(LIMITS, clock);
  const [slow, quick] = [enter(turns, 'slow'), enter(turns, 'quick')];
  await settle();
  quick.turn()?.traffic.fromClient(8_000_000, false);
  await clock.advance(120_000);
  assert.equal(slow.turn()?.tooSlow.aborted, false, 'nobody waits');
  enter(turns, 'next');
  await clock.advance(10_000);
  assert.equal(slow.turn()?.tooSlow.aborted, true);
  assert.equal(quick.turn()?.tooSlow.aborted, false);
});

test('a turn whose git works for a long time is not ended while others wait', async () => {
  const clock = new VirtualClock();
  const turns = new GitTurns(LIMITS, clock);
  const [indexing, busy] = [enter(turns, 'ann'), enter(turns, 'bob')];
  await settle();
  indexing.turn()?.traffic.fromClient(1_000, false); // the whole pack
  busy.turn()?.traffic.fromClient(1_000, true);
  enter(turns, 'next');
  for (let ms = 0; ms < 600_000; ms += 5_000) {
    await clock.advance(5_000);
    indexing.turn()?.traffic.fromGit(5, false); // receive.keepAlive
  }
  assert.deepEqual([indexing.turn()?.tooSlow.aborted, busy.turn()?.tooSlow.aborted], [false, false]);
  busy.turn()?.traffic.gitReads();
  await clock.advance(90_000);
  assert.equal(busy.turn()?.tooSlow.aborted, true, 'git reads again, and the client sends nothing');
});

test('prints a line to a waiting client every minute, so that its connection is not idle', async () => {
  const clock = new VirtualClock();
  const turns = new GitTurns(LIMITS, clock);
  const [holder, waiting] = [enter(turns, 'ann'), enter(turns, 'ann')];
  await settle();
  holder.turn()?.traffic.fromClient(1_000_000_000, false);
  await clock.advance(185_000);
  assert.equal(waiting.waited(), 4);
  assert.equal(waiting.turn(), undefined);
});
