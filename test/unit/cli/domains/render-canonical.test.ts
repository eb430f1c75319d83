import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderCanonical } from '../../../../cli/domains/render-canonical.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';

const domainsOf = (...names: string[]) => names.map((hostname) => ({ hostname, createdAtMs: 0 }));
const body = { own: 'shop.apps.test', domains: domainsOf('*.example.com', 'example.com'), problems: [] };

test('a canonical name is shown with the names that are redirected to it', () => {
  const text = renderCanonical('shop', { ...body, canonical: 'example.com' }, plainPaint);
  assert.equal(
    text,
    [
      'The canonical name of shop is example.com. Requests for these names are redirected to it:',
      '  shop.apps.test',
      '  *.example.com (every name with one more label)',
      'Upgrades to websockets and challenges of the certificate authority are not redirected.\n',
    ].join('\n'),
  );
});

test('an app without one says so, and a long list is cut', () => {
  const none = 'shop has no canonical name. Each of its names answers itself.\n';
  assert.equal(renderCanonical('shop', body, plainPaint), none);
  const many = domainsOf(...Array.from({ length: 30 }, (_, index) => `n${index}.test`));
  const text = renderCanonical('shop', { ...body, domains: many, canonical: 'n0.test' }, plainPaint);
  assert.match(text, /\n {2}and 10 more\n/);
});
