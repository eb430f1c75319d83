import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OpenAccesses } from '../../../../controller/access/open-accesses.ts';
import { SlipwayError } from '../../../../shared/kit/errors.ts';
import { VirtualClock } from '../../../scenario/world/virtual-clock.ts';
import { eventually } from '../../../support/eventually.ts';

/** Everything that waits for a promise has run. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface World {
  readonly accesses: OpenAccesses;
  readonly allowed: Set<string>;
  readonly checked: string[];
  readonly clock: VirtualClock;
  /** The database is busy. */
  readonly setBusy: (busy: boolean) => void;
  readonly tell: (...kinds: readonly string[]) => void;
  readonly watch: (name: string, over?: AbortSignal) => AbortSignal;
}

function open(): World {
  const listeners: ((kinds: ReadonlySet<string>) => void)[] = [];
  const onEvents = (listener: (kinds: ReadonlySet<string>) => void): (() => void) => {
    listeners.push(listener);
    return () => undefined;
  };
  const clock = new VirtualClock();
  const accesses = new OpenAccesses({ store: { onEvents }, clock });
  let isBusy = false;
  const [allowed, checked]: [Set<string>, string[]] = [new Set(['ada', 'eve']), []];
  const check = async (name: string): Promise<void> => {
    checked.push(name);
    await Promise.resolve();
    if (isBusy) throw new SlipwayError({ code: 'SLIP_STORE_BUSY', kind: 'transient', message: 'busy' });
    if (!allowed.has(name)) throw new SlipwayError({ code: 'SLIP_KEY_REMOVED', httpStatus: 401, message: name });
  };
  return {
    ...{ accesses, allowed, checked, clock },
    setBusy: (busy) => (isBusy = busy),
    tell: (...kinds) => {
      for (const listener of listeners) listener(new Set(kinds));
    },
    watch: (name, over = new AbortController().signal) => accesses.watch(() => check(name), over),
  };
}

describe('open accesses', () => {
  it('end with the reason when the right is lost, and only then', async () => {
    const { allowed, tell, watch } = open();
    const [ada, eve] = [watch('ada'), watch('eve')];
    allowed.delete('ada');
    tell('release.created', 'token.revoked');
    await eventually('the end', () => ada.aborted);
    assert.equal((ada.reason as Error).message, 'ada');
    assert.equal(eve.aborted, false);
  });

  it('are not checked after events that take no access away, nor when they are over', async () => {
    const { checked, tell, watch } = open();
    const over = new AbortController();
    watch('ada', over.signal);
    tell('release.created');
    await settled();
    assert.deepEqual(checked, ['ada']);
    over.abort();
    tell('key.removed');
    await settled();
    assert.deepEqual(checked, ['ada']);
  });

  it('are checked at their start, because the right may be lost since the admission', async () => {
    const { allowed, watch } = open();
    allowed.clear();
    const signal = watch('ada');
    await eventually('the end', () => signal.aborted);
  });

  it('are checked in one more round when losses come during a round', async () => {
    const { checked, tell, watch } = open();
    watch('ada');
    for (let round = 0; round < 100; round += 1) tell('token.revoked');
    await settled();
    assert.deepEqual(checked, ['ada', 'ada', 'ada']);
  });

  it('stay open when a check fails, and are checked again until there is an answer', async () => {
    const { allowed, checked, clock, setBusy, tell, watch } = open();
    const [ada, eve] = [watch('ada'), watch('eve')];
    await settled();
    setBusy(true);
    allowed.delete('ada');
    tell('token.revoked');
    await clock.advance(60_000);
    assert.deepEqual([ada.aborted, eve.aborted], [false, false]);
    setBusy(false);
    await clock.advance(10_000);
    assert.deepEqual([ada.aborted, eve.aborted], [true, false]);
    const checks = checked.length;
    await clock.advance(60_000);
    assert.equal(checked.length, checks);
  });

  it('are not checked again after a failed check when they are over', async () => {
    const { checked, clock, setBusy, watch } = open();
    const over = new AbortController();
    setBusy(true);
    watch('ada', over.signal);
    await settled();
    over.abort();
    await clock.advance(60_000);
    assert.deepEqual(checked, ['ada']);
  });
});
