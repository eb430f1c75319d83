import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderFronts } from '../../../../cli/proxy/render.ts';
import { plainPaint as paint } from '../../../../cli/terminal/paint.ts';

const cloudflare = { listedOn: '2026-02-11', networks: ['173.245.48.0/20', '2400:cb00::/32'] };

test('the lists have their entries, the networks of Cloudflare with their day, and problems', () => {
  const problems = [{ message: 'The agents of old-1 are too old.', next: 'slipway nodes:upgrade old-1' }];
  const text = renderFronts(
    { trusted: ['10.0.5.0/24', 'cloudflare'], proxyProtocol: ['10.0.9.1'], cloudflare, problems },
    paint,
  );
  assert.match(
    text,
    /10\.0\.5\.0\/24\ncloudflare\n {4}2 networks, as of 2026-02-11:\n {4}173\.245\.48\.0\/20 {2}2400:cb00::\/32\n/,
  );
  assert.match(text, /PROXY Protocol\n10\.0\.9\.1\n/);
  assert.match(text, /old-1 are too old\.[^]*slipway nodes:upgrade old-1/);
  const empty = renderFronts({ trusted: [], proxyProtocol: [], cloudflare, problems: [] }, paint);
  assert.match(empty, /nobody; an administrator trusts a proxy with: slipway proxy:trust[^]*\nnone\n/);
});
