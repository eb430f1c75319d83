import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderRedirect } from '../../../../cli/https/render.ts';

const served = { hostname: 'shop.example.com', state: 'serving', everywhere: true } as const;

test('the redirect says for how many domains it works', () => {
  const own = { auto: true, ready: true, names: [served] };
  assert.match(renderRedirect('shop', { ...own, redirect: true }), /is on\.[^]*1 of 1 domain is served/);
  assert.equal(renderRedirect('shop', { ...own, redirect: false }), 'The redirect of shop to HTTPS is off.\n');
});
