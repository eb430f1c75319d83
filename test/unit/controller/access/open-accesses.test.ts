import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OpenAccesses } from '../../../../controller/access/open-accesses.ts';
import { eventually } from '../../../support/eventually.ts';

/** Everything that waits for a promise has run. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface World {
  readonly accesses: OpenAccesses;
  readonly allowed: Set<string>;
  readonly checked: string[];
  readonly tell: (...kinds: readonly string[]) => void;
  readonly watch: (name: string, over?: AbortSignal) => AbortSignal;
}

function open(): World {
  const listeners: ((kinds: ReadonlySet<string>) => void)[] = [];
  const onEvents = (listener: (kinds: ReadonlySet<string>) => void): (() => void) => {
    listeners.push(listener);
    return () => undefined;
  };
  const accesses = new OpenAccesses({ onEvents });
  const [allowed, checked]: [Set<string>, string[]] = [new Set(['ada', 'eve']), []];
  const check = async (name: string): Promise<void> => {
    checked.push(name);
    await Promise.resolve();
    if (!allowed.has(name)) throw new Error(`${name} lost it`);
  };
  return {
    ...{ accesses, allowed, checked },
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
    assert.equal(String(ada.reason), 'Error: ada lost it');
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
});
