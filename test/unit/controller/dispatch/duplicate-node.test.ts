import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recordBoot, duplicateNodeReason, type BootHistory } from '../../../../controller/dispatch/duplicate-node.ts';

function duplicatesAfter(...boots: readonly string[]): readonly string[] | undefined {
  const before: BootHistory = { seen: [] };
  const after = boots.reduce((known, bootId) => recordBoot(known, { bootId, address: `10.0.0.${bootId}` }), before);
  assert.ok(after.seen.length <= 8);
  return after.duplicates?.map(({ bootId }) => bootId);
}

describe('two machines with the certificate of one node', () => {
  it('are not reported when one machine reboots or reconnects', () => {
    assert.equal(duplicatesAfter('1', '1', '2', '2', '3'), undefined);
    assert.equal(duplicatesAfter(...Array.from({ length: 20 }, (_, index) => String(index))), undefined);
  });

  it('are detected when an earlier boot id returns after another one', () => {
    assert.deepEqual(duplicatesAfter('1', '2', '1'), ['2', '1']);
    assert.deepEqual(duplicatesAfter('1', '2', '3', '2'), ['3', '2']);
    assert.deepEqual(duplicatesAfter('1', '2', '1', '1'), ['2', '1']);
  });

  it('are named by their addresses, in one order', () => {
    const [one, copy] = [
      { bootId: 'a', address: '10.0.0.12' },
      { bootId: 'b', address: '10.0.0.11' },
    ];
    assert.equal(duplicateNodeReason('fra-1', [one, copy]).message, duplicateNodeReason('fra-1', [copy, one]).message);
    assert.match(duplicateNodeReason('fra-1', [one, copy]).message, /at 10\.0\.0\.11 and 10\.0\.0\.12/);
  });
});
