import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderDomains, renderRemoved } from '../../../../cli/domains/render.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';

const own = 'shop.apps.example.net';

test('removed domains are listed with the time until which they are kept', () => {
  const kept = [{ hostname: 'old.example.com', app: 'former', untilMs: Date.parse('2026-12-31T00:00:00Z') }];
  const domains = [
    { hostname: 'a.example.com', createdAtMs: 1, proof: 'txt' as const },
    { hostname: 'intranet.example.com', createdAtMs: 1, proof: 'admin' as const },
  ];
  const text = renderDomains('shop', { own, domains, kept }, plainPaint);
  assert.match(text, /\na\.example\.com\nintranet\.example\.com \(without a proof, by an administrator\)\n/);
  assert.match(
    text,
    /=== Removed Domains, kept for their owner\n[^]*old\.example\.com +former +2026-12-31T00:00:00\.000Z/,
  );
});

test('a removal says until when the domain is kept', () => {
  const removed = { hostname: 'old.example.com', keptUntilMs: Date.parse('2026-12-31T00:00:00Z') };
  assert.equal(
    renderRemoved('shop', removed, plainPaint),
    'Removed old.example.com from shop. It is kept for its owner until 2026-12-31T00:00:00.000Z.\n',
  );
  assert.equal(renderRemoved('shop', { hostname: 'a.example.com' }, plainPaint), 'Removed a.example.com from shop.\n');
});

test('nothing is said of removed domains when there are none, or the controller is older', () => {
  for (const kept of [[], undefined])
    assert.doesNotMatch(renderDomains('shop', { own, domains: [], kept }, plainPaint), /Removed/);
});
