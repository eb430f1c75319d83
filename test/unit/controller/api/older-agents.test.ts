import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  cacheProblems,
  frontProblems,
  httpsRuleProblems,
  maintenanceProblems,
  olderAgentProblems,
  requireAgentsFor,
  requireAgentsForRename,
} from '../../../../controller/api/older-agents.ts';
import type { LiveNode } from '../../../../controller/dispatch/port.ts';
import type { NodeId } from '../../../../shared/domain/ids.ts';
import { DEFAULT_QUOTAS } from '../../../../shared/domain/quota.ts';
import { liveNodeOf } from '../../../support/live-node.ts';

const node = (name: string, change: Partial<LiveNode>): LiveNode =>
  liveNodeOf({ id: name as NodeId, name: name as never }, change);

const FLEET = [
  node('fra-1', { routeNamesMax: 10_000 }),
  node('fra-2', { connected: false }),
  node('fra-3', { routeNamesMax: 0 }),
  node('gone', { state: 'removed' }),
  node('new', { agentVersion: '', connected: false }),
];

describe('a quota of domains that is too high for older agents', () => {
  it('is refused with the names of these nodes, also of disconnected ones', () => {
    assert.throws(() => requireAgentsFor(1_000, FLEET), {
      code: 'SLIP_QUOTA_AGENTS',
      message:
        'domainsPerApp cannot be 1000 yet: the agents of fra-2, fra-3 are too old for so many domains of one app.',
      hint: 'Upgrade them first: slipway nodes:upgrade fra-2',
    });
    requireAgentsFor(DEFAULT_QUOTAS.domainsPerApp, FLEET);
    requireAgentsFor(9_999, FLEET.slice(0, 1));
  });

  it('is a problem in the status when it is in the settings', () => {
    assert.deepEqual(olderAgentProblems(DEFAULT_QUOTAS.domainsPerApp, FLEET), []);
    const [problem] = olderAgentProblems(2_000, FLEET);
    assert.match(
      problem?.message ?? '',
      /domainsPerApp in the controller's settings is 2000, but the agents of fra-2, fra-3 are too old for so many domains/,
    );
    assert.equal(problem?.next, 'slipway nodes:upgrade fra-2');
  });
});

describe('a rename beside older agents', () => {
  it('is refused with the names of the connected nodes that would lose requests', () => {
    requireAgentsForRename('shop', [node('fra-1', {}), node('fra-2', { losesRenamed: false })]);
    assert.throws(() => requireAgentsForRename('shop', [node('fra-1', {}), node('fra-2', { losesRenamed: true })]), {
      code: 'SLIP_APP_RENAME_AGENTS',
      message: 'shop cannot get another name yet: requests would be lost, because the agents of fra-2 are too old.',
      hint: 'An administrator can upgrade them: slipway nodes:upgrade fra-2',
    });
  });
});

describe('maintenance beside older agents', () => {
  it('names the nodes whose proxies still send requests', () => {
    assert.match(
      httpsRuleProblems('shop', [node('fra-1', { ignoresHttpsRules: true }), node('fra-2', {})])[0]?.message ?? '',
      /^The agents of fra-1 are too old for HTTPS: there, no request of shop is redirected/,
    );
    assert.deepEqual(httpsRuleProblems('shop', [node('fra-2', {})]), []);
    assert.deepEqual(maintenanceProblems('shop', [node('fra-1', {})]), []);
    assert.deepEqual(maintenanceProblems('shop', [node('fra-1', { ignoresMaintenance: true }), node('fra-2', {})]), [
      {
        message: 'The agents of fra-1 are too old for maintenance: their proxies still send requests to shop.',
        next: 'slipway nodes:upgrade fra-1',
      },
    ]);
  });
});

describe('a purge of a build cache beside older agents', () => {
  it('names the nodes that keep their caches', () => {
    assert.deepEqual(cacheProblems('shop', [node('fra-1', {})]), []);
    const [problem] = cacheProblems('shop', [node('fra-1', {}), node('fra-2', { keepsCaches: true })]);
    assert.equal(problem?.next, 'slipway nodes:upgrade fra-2');
  });
});

describe('front proxies of the fleet', () => {
  it('are a problem of the nodes whose agents do not know them, while there are any', () => {
    const nodes = [node('fra-1', {}), node('fra-2', { ignoresEdgeSettings: true })];
    assert.deepEqual(frontProblems({ trusted: [], proxyProtocol: [] }, nodes), []);
    const [problem] = frontProblems({ trusted: [], proxyProtocol: ['10.0.5.9'] }, nodes);
    assert.match(problem?.message ?? '', /^The agents of fra-2 are too old for the front proxies/);
    assert.equal(problem?.next, 'slipway nodes:upgrade fra-2');
  });
});
