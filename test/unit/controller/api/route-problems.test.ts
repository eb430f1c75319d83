import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { routeProblems } from '../../../../controller/api/route-problems.ts';

const REFUSAL = {
  code: 'SLIP_ROUTES_OLD_EPOCH',
  message: "The controller's epoch 2 is older than this node's epoch 9.",
};
const node = (name: string, changes: Partial<Parameters<typeof routeProblems>[0][number]> = {}) => ({
  name,
  connected: true,
  ...changes,
});

describe('nodes that do not use a change of the routes', () => {
  it('are not reported while every connected node uses it', () => {
    assert.deepEqual(
      routeProblems([node('a'), node('b', { routesLate: false }), node('c', { connected: false, routesLate: true })]),
      [],
    );
  });

  it('are named with the reason of their refusal and the next command', () => {
    assert.deepEqual(routeProblems([node('a'), node('b', { refusedRoutesReason: REFUSAL, routesLate: true })]), [
      {
        message: `Node b does not use this change yet: requests there still follow the old routes. ${REFUSAL.message}`,
        next: 'slipway why b',
      },
    ]);
  });

  it('are reported in two sentences at most', () => {
    const many = Array.from({ length: 40 }, (_, index) => node(`n${String(index)}`, { refusedRoutesReason: REFUSAL }));
    const [refusing, late, ...more] = routeProblems([...many, node('slow', { routesLate: true })]);
    assert.match(
      refusing?.message ?? '',
      /^Nodes n0, n1, n2, n3, n4 and 35 more do not use this change yet: .* epoch 9\.$/,
    );
    assert.match(late?.message ?? '', /^Node slow does not use this change yet: .* No answer came in time\.$/);
    assert.deepEqual(more, []);
  });
});
