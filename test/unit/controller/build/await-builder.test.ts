import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { awaitBuilder } from '../../../../controller/build/await-builder.ts';
import type { LiveNode } from '../../../../controller/dispatch/port.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';

const NODE = { nodeId: 'n1' as NodeId } as LiveNode;
const UNTIL_MS = 15_000;

/** A fleet whose controller has just started. */
function world(known: readonly LiveNode[] = [NODE]) {
  const listeners = new Set<(node: NodeId) => void>();
  let there = 0;
  const said: string[] = [];
  const stop = new AbortController();
  const clock = new VirtualClock();
  const fleet = {
    nodes: () => known,
    onChange: (listener: (node: NodeId) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const push = (): Promise<void> =>
    awaitBuilder(
      { builders: { hasBuilder: () => there > 0 }, fleet, clock, untilMs: UNTIL_MS },
      { tell: (text) => said.push(text), signal: stop.signal },
    );
  const comeBack = (): void => {
    there += 1;
    for (const listener of listeners) listener(NODE.nodeId);
  };
  return { push, said, comeBack, clock, leave: () => stop.abort(), listeners };
}

describe('a push just after the start of the controller', () => {
  it('waits for the first builder that is back, and says so once', async () => {
    const { push, said, comeBack, clock, listeners } = world();
    const pushing = push();
    await clock.advance(3_000);
    assert.deepEqual(said, [
      'The controller has just started, and no builder has connected yet. The push waits for one.\n',
    ]);
    comeBack();
    await pushing;
    assert.equal(clock.monotonicMs(), 3_000);
    assert.deepEqual([said.length, listeners.size], [1, 0]);
  });

  it('is refused when no builder connects in time', async () => {
    const { push, clock } = world();
    const pushing = push();
    await clock.advance(UNTIL_MS);
    await pushing;
  });

  it('stops waiting when the client disconnects', async () => {
    const { push, leave, listeners } = world();
    const pushing = push();
    leave();
    await assert.rejects(pushing, { name: 'AbortError' });
    assert.equal(listeners.size, 0);
  });

  it('does not wait when a builder is connected, when the start is long ago, or when there are no nodes', async () => {
    const ready = world();
    ready.comeBack();
    const late = world();
    await late.clock.advance(UNTIL_MS);
    for (const { push, said } of [ready, late, world([])]) {
      await push();
      assert.deepEqual(said, []);
    }
  });
});
