import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planFronts } from '../../../../agent/proxy/haproxy/plan-fronts.ts';
import { frontEntries, renderFronts } from '../../../../agent/proxy/haproxy/render-front.ts';
import { resolveSettings } from '../../../../agent/proxy/haproxy/settings.ts';

const SETTINGS = { stateDir: '/var/lib/slipway/proxy', binds: [{ address: '*', port: 80 }] };

test('the front proxies of a node and of the fleet are together, and headers through the PROXY protocol do not count', () => {
  const own = { trustedFronts: ['10.0.0.1', '10.0.0.9'], proxyProtocolFronts: ['192.0.2.0/24'] };
  const fronts = planFronts(own, {
    trusted: ['10.0.0.1', '192.0.2.0/24', '2001:db8::/32'],
    proxyProtocol: ['10.0.0.9'],
  });
  assert.deepEqual(fronts, { trusted: ['10.0.0.1', '2001:db8::/32'], proxyProtocol: ['10.0.0.9', '192.0.2.0/24'] });
  assert.equal(renderFronts({ fronts }), '10.0.0.1 t\n2001:db8::/32 t\n10.0.0.9 p\n192.0.2.0/24 p\n');
  assert.equal(frontEntries({ fronts: planFronts({ trustedFronts: [], proxyProtocolFronts: [] }) }).size, 0);
});

test('an address with the prefix of its network in agent.json is the network, as it was in earlier versions', () => {
  const { trustedFronts } = resolveSettings({ ...SETTINGS, trustedFronts: ['10.0.0.7/8', '2001:DB8::1'] });
  assert.deepEqual(trustedFronts, ['10.0.0.0/8', '2001:db8::1']);
});
