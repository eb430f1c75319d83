import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderAdded, renderProviders, renderRemoved } from '../../../../cli/tls/render-dns.ts';
import type { DnsProviderBody } from '../../../../shared/api/dns-providers.ts';
import { plainPaint } from '../../../../cli/terminal/paint.ts';

const PROVIDER: DnsProviderBody = {
  ...{ name: 'main', kind: 'acme-dns', zone: 'example.com', recordZone: 'example.com', createdAtMs: 0, records: 1 },
  settings: { server: 'https://auth.acme-dns.io', subdomain: 's' },
};

test('the list has a row for each provider, without credentials', () => {
  const other = { ...PROVIDER, name: 'ns', kind: 'nsupdate', recordZone: 'dyn.example.net' } as const;
  const lines = renderProviders([PROVIDER, other], plainPaint).split('\n');
  assert.match(
    lines[2] ?? '',
    /^main {2}acme-dns {2}example\.com +server=https:\/\/auth\.acme-dns\.io subdomain=s +1$/,
  );
  assert.match(lines[3] ?? '', /^ns +nsupdate {2}example\.com \(records in dyn\.example\.net\) /);
  assert.match(renderProviders([], plainPaint), /slipway tls:dns:add NAME/);
});

test('a new provider says what comes next', () => {
  assert.match(renderAdded(PROVIDER), /slipway domains:add '\*\.example\.com' -a APP/);
  const alias = renderAdded({ ...PROVIDER, aliasTarget: 'abc.auth.acme-dns.io' });
  assert.match(alias, /^ {2}_acme-challenge\.example\.com CNAME abc\.auth\.acme-dns\.io\.$/m);
});

test('records that remain are named', () => {
  assert.equal(renderRemoved({ name: 'main', left: [] }), 'Removed the DNS provider main.\n');
  const left = [{ name: '_acme-challenge.example.com', value: 'v1' }];
  assert.match(renderRemoved({ name: 'main', left }), /_acme-challenge\.example\.com TXT "v1"/);
});
