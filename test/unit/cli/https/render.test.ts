import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderHsts, renderHttps, renderRedirect } from '../../../../cli/https/render.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';

const served = { hostname: 'shop.example.com', state: 'serving', everywhere: true } as const;

test('the redirect says for how many domains it works', () => {
  const own = { auto: true, ready: true, names: [served] };
  assert.match(renderRedirect('shop', { ...own, redirect: true }, plainPaint), /is on\.[^]*1 of 1 domain is served/);
  const off = 'The redirect of shop to HTTPS is off.\n';
  assert.equal(renderRedirect('shop', { ...own, redirect: false }, plainPaint), off);
  assert.equal(
    renderRedirect('shop', { ...own, redirect: false, hsts }, plainPaint),
    `${off}The header of HSTS is not sent while it is off. Browsers that got it use only HTTPS for up to 60 days.\n`,
  );
});

const hsts = { maxAgeS: 5_184_000, includeSubdomains: false, preload: false };
const body = { auto: true, ready: true, redirect: true, names: [served] };

test('HTTPS of an app is one list', () => {
  const context = { paint: plainPaint, nowMs: 0 };
  const text = renderHttps('shop', { ...body, canonical: 'www.example.com', hsts }, context);
  assert.match(text, /^=== shop HTTPS\n/);
  assert.match(text, /Redirect to HTTPS: +on\nCanonical name: +www\.example\.com\nHSTS: +max-age=5184000\n/);
  const none = renderHttps('shop', { ...body, redirect: false, hsts }, context);
  assert.match(none, /Canonical name: +none\nHSTS: +max-age=5184000 \(not sent, because the redirect is off\)\n/);
});

test('HSTS shows its header, and what browsers keep after its end', () => {
  const paint = plainPaint;
  assert.equal(
    renderHsts('shop', { ...body, hsts: { ...hsts, includeSubdomains: true } }, { paint }),
    'Answers of shop over HTTPS have: Strict-Transport-Security: max-age=5184000; includeSubDomains\n',
  );
  assert.match(renderHsts('shop', { ...body, hsts, redirect: false }, { paint }), /so the header is not sent\.\n/);
  assert.equal(
    renderHsts('shop', body, { former: hsts, paint }),
    'HSTS of shop is off.\nBrowsers that got it use only HTTPS for up to 60 days. To make them forget it earlier: slipway https:hsts --max-age 0 -a shop\n',
  );
  assert.equal(renderHsts('shop', body, { paint }), 'HSTS of shop is off.\n');
});
