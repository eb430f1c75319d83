import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { afterHello, twinTrouble, type Boots } from '../../../../controller/dispatch/twins.ts';

function twinsAfter(...boots: readonly string[]): readonly string[] | undefined {
  const before: Boots = { seen: [] };
  const after = boots.reduce((known, bootId) => afterHello(known, { bootId, address: `10.0.0.${bootId}` }), before);
  assert.ok(after.seen.length <= 8);
  return after.twins?.map(({ bootId }) => bootId);
}

describe('two machines with the certificate of one node', () => {
  it('are not seen in one that boots, or whose session begins anew', () => {
    assert.equal(twinsAfter('1', '1', '2', '2', '3'), undefined);
    assert.equal(twinsAfter(...Array.from({ length: 20 }, (_, index) => String(index))), undefined);
  });

  it('are known when a boot comes back after another', () => {
    assert.deepEqual(twinsAfter('1', '2', '1'), ['2', '1']);
    assert.deepEqual(twinsAfter('1', '2', '3', '2'), ['3', '2']);
    assert.deepEqual(twinsAfter('1', '2', '1', '1'), ['2', '1']);
  });

  it('are named by their addresses, in one order', () => {
    const [one, copy] = [
      { bootId: 'a', address: '10.0.0.12' },
      { bootId: 'b', address: '10.0.0.11' },
    ];
    assert.equal(twinTrouble('fra-1', [one, copy]).message, twinTrouble('fra-1', [copy, one]).message);
    assert.match(twinTrouble('fra-1', [one, copy]).message, /at 10\.0\.0\.11 and 10\.0\.0\.12/);
  });
});
