import assert from 'node:assert/strict';
import { it } from 'node:test';
import { whyApp } from '../../../../controller/observe/why/why-app.ts';
import { whyNode } from '../../../../controller/observe/why/why-node.ts';
import { appFacts, instanceFact, nodeFact, WHY_NOW } from '../../../support/why-facts.ts';

const reason = {
  code: 'SLIP_DISPATCH_SIZE',
  message: 'v3 of shop is too large for one message to its node: its config takes 1050000 bytes.',
  hint: '',
};

it('why names an app that is too large for the message of its node, and the command for its config', () => {
  const { well, chains } = whyApp(appFacts({ instances: [instanceFact({ state: 'failed', reason })] }));
  const [chain] = chains;
  assert.deepEqual(
    [well, chain?.code, chain?.next],
    [false, 'SLIP_DISPATCH_SIZE', `slipway config -a ${appFacts().app}`],
  );
  assert.match(chain?.links[0] ?? '', /^web\.1 on fra-1: v3 of shop is too large for one message to its node/);
});

it('why of a node with an older agent names the size and the upgrade', () => {
  const refusal = {
    code: 'SLIP_DISPATCH_SIZE',
    message: 'The desired state of this node has 9440215 bytes.',
    hint: 'slipway nodes:upgrade',
  };
  const [chain] = whyNode(nodeFact({ refusedReason: refusal }), WHY_NOW).chains;
  assert.deepEqual(
    [chain?.code, chain?.links[0], chain?.next],
    ['SLIP_DISPATCH_SIZE', refusal.message, 'slipway nodes:upgrade'],
  );
});
