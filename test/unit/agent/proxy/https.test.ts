import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { planEdge, planHttps } from '../../../../agent/proxy/haproxy/plan-https.ts';
import { planSlots } from '../../../../agent/proxy/haproxy/plan.ts';
import { acmeEntries, httpsEntries, renderCertificateList } from '../../../../agent/proxy/haproxy/render-https.ts';
import { layoutHash, renderConfig, tlsMark } from '../../../../agent/proxy/haproxy/render.ts';
import { proxyPaths, resolveSettings } from '../../../../agent/proxy/haproxy/settings.ts';
import { emptyTable, parseTable, serializeTable, type SlotTable } from '../../../../agent/proxy/haproxy/slot-table.ts';
import type { AppRoutes } from '../../../../agent/proxy/port.ts';
import type { AppName } from '../../../../shared/domain/names.ts';

const SETTINGS = resolveSettings({
  stateDir: '/var/lib/slipway/proxy',
  binds: [{ address: '*', port: 80 }],
  tlsBinds: [{ address: '*', port: 443 }],
  ipv6: true,
});
const THUMBPRINT = 'a'.repeat(43);

const app = (name: string, hostnames: string[], rules: Partial<AppRoutes> = {}): AppRoutes => ({
  ...{ app: name as AppName, hostnames, backends: [] },
  ...rules,
});

function tableOf(apps: AppRoutes[], names: string[], tls = true): SlotTable {
  const certificates = [{ id: 'crt_one', fingerprint: 'f', names }];
  const input = { table: emptyTable(4), routes: apps, idle: new Set<string>(), slotsPerBackend: 2 };
  return planSlots({ ...input, tls, certificates, acmeThumbprint: THUMBPRINT }).table;
}

describe('rules for HTTPS', () => {
  test('a name is redirected only if this node has its certificate', () => {
    const shop = app('shop', ['a.test', 'b.test'], { redirected: ['a.test', 'b.test'], hstsMaxAgeS: 60 });
    assert.deepEqual(
      [...httpsEntries(tableOf([shop], ['a.test']))],
      [
        ['a.test', 'h/-/60/a.test/y'],
        ['b.test', '-/-/-/b.test/-'],
      ],
    );
    assert.equal(httpsEntries(tableOf([shop], ['a.test'], false)).get('a.test'), '-/-/-/a.test/-');
  });

  test('the canonical name is used with HTTPS if it has it, and without otherwise', () => {
    const rules = { redirected: ['www.a.test'], canonical: 'www.a.test', canonicalHttps: true };
    const shop = app('shop', ['a.test', 'www.a.test'], rules);
    const secure = httpsEntries(tableOf([shop], ['a.test', 'www.a.test']));
    assert.deepEqual([secure.get('a.test'), secure.get('www.a.test')], ['c/c/-/www.a.test/y', 'h/-/-/www.a.test/y']);
    assert.equal(httpsEntries(tableOf([shop], ['a.test'])).get('a.test'), 'p/-/-/www.a.test/y');
    const partly = app('shop', ['a.test', 'www.a.test'], { ...rules, canonicalHttps: false });
    assert.equal(httpsEntries(tableOf([partly], ['a.test', 'www.a.test'])).get('a.test'), 'c/-/-/www.a.test/y');
    const plain = app('shop', ['a.test', 'www.a.test'], { ...rules, redirected: [] });
    assert.equal(httpsEntries(tableOf([plain], ['www.a.test'])).get('a.test'), 'p/c/-/www.a.test/-', 'redirect off');
  });

  test('a websocket with another name goes to HTTPS with its own name', () => {
    const rules = { redirected: ['a.test', 'www.a.test'], canonical: 'www.a.test' };
    const shop = app('shop', ['a.test', 'www.a.test'], rules);
    assert.equal(httpsEntries(tableOf([shop], ['a.test', 'www.a.test'])).get('a.test'), 'ch/-/-/www.a.test/y');
    assert.equal(httpsEntries(tableOf([shop], ['a.test'])).get('a.test'), 'ph/-/-/www.a.test/y');
  });

  test('the canonical name never moves, so no redirect leads back to it', () => {
    const names = ['a.test', 'b.test', '*.a.test', 'www.a.test'];
    for (const certified of [[], ['a.test'], ['www.a.test'], names]) {
      for (const redirected of [[], ['a.test'], ['www.a.test'], names]) {
        const rules = { redirected, canonical: 'www.a.test', canonicalHttps: redirected.includes('www.a.test') };
        const entry = httpsEntries(tableOf([app('shop', names, rules)], certified)).get('www.a.test') ?? '';
        assert.match(entry, /^[h-]\/-\//);
      }
    }
  });

  test('HSTS is for names that are redirected, with its words', () => {
    const rules = { redirected: ['a.test'], hstsMaxAgeS: 60, hstsIncludeSubdomains: true };
    const names = ['a.test', 'b.test'];
    const entries = httpsEntries(tableOf([app('shop', names, rules)], names));
    assert.deepEqual([entries.get('a.test'), entries.get('b.test')], ['h/-/60:s/a.test/y', '-/-/-/b.test/y']);
    const preload = httpsEntries(tableOf([app('shop', names, { ...rules, hstsPreload: true })], names));
    assert.equal(preload.get('a.test'), 'h/-/60:sp/a.test/y');
  });

  test('an app without rules does not get those of a wildcard name of another app', () => {
    const all = app('all', ['*.base.test'], { redirected: ['*.base.test'] });
    const own = app('own', ['own.base.test']);
    const entries = httpsEntries(tableOf([all, own], ['*.base.test']));
    assert.equal(entries.get('*.base.test'), 'h/-/-/*.base.test/y');
    assert.equal(entries.get('own.base.test'), '-/-/-/-/-', 'it has no certificate');
    assert.equal(entries.get('*'), '-', 'the mark of wildcards');
    assert.equal(httpsEntries(tableOf([own], ['a.test'])).has('own.base.test'), false);
  });

  test('a wildcard of one app serves no name of another app', () => {
    const all = app('all', ['*.base.test', 'www.base.test'], { redirected: ['*.base.test'] });
    const own = app('own', ['own.base.test', 'deep.own.base.test'], { redirected: ['own.base.test'] });
    const table = tableOf([all, own], ['*.base.test', 'www.base.test']);
    const [, line] = renderCertificateList(table, proxyPaths('/p')).split('\n');
    assert.equal(line, '/p/certificates/crt_one.pem *.base.test www.base.test !own.base.test');
    assert.equal(httpsEntries(table).get('own.base.test'), '-/-/-/own.base.test/-');
    assert.equal(httpsEntries(table).get('www.base.test'), '-/-/-/www.base.test/y');
  });

  test('a certificate is not used for a wildcard whose exceptions do not fit in its line', () => {
    const names = Array.from({ length: 1_001 }, (_, index) => `own${String(index)}.base.test`);
    const table = tableOf([app('all', ['*.base.test']), app('own', names)], ['*.base.test']);
    const [, line] = renderCertificateList(table, proxyPaths('/p')).split('\n');
    assert.equal(line, '/p/certificates/crt_one.pem !*');
    assert.equal(httpsEntries(table).get('*.base.test'), undefined);
  });

  test('rules for names that the app does not have are dropped', () => {
    const rules = { redirected: ['a.test', 'other.test'], canonical: 'other.test' };
    assert.deepEqual(planHttps(app('shop', ['a.test'], rules)), { https: { redirected: ['a.test'] } });
    assert.deepEqual(planHttps(app('shop', ['a.test'])), {});
    assert.equal(planHttps(app('shop', ['a.test'], { hstsMaxAgeS: 1e12 })).https?.hstsMaxAgeS, 63_072_000);
  });

  test('an app whose rules end has none, and an invalid thumbprint is never written', () => {
    const table = tableOf([app('shop', ['a.test'], { redirected: ['a.test'] })], ['a.test']);
    const input = { idle: new Set<string>(), slotsPerBackend: 2, tls: true };
    assert.equal(planSlots({ ...input, table, routes: [app('shop', ['a.test'])] }).table.pools[0]?.https, undefined);
    assert.deepEqual([...acmeEntries(table)], [['thumbprint', THUMBPRINT]]);
    assert.equal(planEdge({ acmeThumbprint: 'x y\nz' }).acmeThumbprint, undefined);
  });

  test('a name in two certificates belongs to the first', () => {
    const { certificates } = planEdge({
      certificates: [
        { id: 'crt_two', fingerprint: 'f', names: ['a.test', 'b.test'] },
        { id: 'crt_one', fingerprint: 'f', names: ['a.test'] },
        { id: 'crt_three', fingerprint: 'f', names: ['b.test'] },
      ],
    });
    assert.deepEqual(
      certificates.map(({ id, names }) => [id, names]),
      [
        ['crt_one', ['a.test']],
        ['crt_three', ['b.test']],
      ],
    );
  });

  test('the table of HTTPS survives a restart of the agent', () => {
    const hsts = { hstsMaxAgeS: 60, hstsIncludeSubdomains: true, hstsPreload: true };
    const rules = { redirected: ['a.test'], ...hsts, canonical: 'a.test', canonicalHttps: true };
    const table = tableOf([app('shop', ['a.test', 'b.test'], rules)], ['a.test']);
    assert.deepEqual(parseTable(serializeTable(table)), table);
  });
});

describe('configuration for HTTPS', () => {
  test('the port for HTTPS is like the plain port, with the fallback as its first certificate', () => {
    const table = tableOf([], ['a.test', '*.b.test']);
    const options =
      'ssl crt-list /var/lib/slipway/proxy/certificates.list alpn h2,http/1.1 ssl-min-ver TLSv1.2 no-tls-tickets';
    const binds = renderConfig(table, SETTINGS)
      .split('\n')
      .filter((line) => line.startsWith('  bind '));
    assert.deepEqual(binds, [
      '  bind *:80',
      '  bind :::80 v6only',
      `  bind *:443 ${options}`,
      `  bind :::443 v6only ${options}`,
    ]);
    assert.equal(
      renderCertificateList(table, proxyPaths('/p')),
      '/p/certificates/fallback.pem !*\n/p/certificates/crt_one.pem *.b.test a.test\n',
    );
  });

  test('only a change of the port costs a reload, not a change of certificates, rules or the thumbprint', () => {
    const without = emptyTable(4);
    const mark = layoutHash({ ...without, tls: true }, SETTINGS);
    assert.equal(
      layoutHash(tableOf([app('shop', ['a.test'], { redirected: ['a.test'] })], ['a.test']), SETTINGS),
      mark,
    );
    assert.ok(mark.endsWith(tlsMark(SETTINGS)));
    assert.notEqual(layoutHash(without, SETTINGS), mark);
    assert.doesNotMatch(renderConfig(without, SETTINGS), /crt-list/);
  });

  test('challenges come before redirects, and redirects before maintenance', () => {
    const config = renderConfig({ ...emptyTable(1), tls: true }, SETTINGS);
    const at = (text: string): number => config.indexOf(text);
    const order = [
      at('deny_status 400'),
      at('acme-challenge'),
      at('redirect location'),
      at('in_maintenance'),
      at('use_backend uncertified'),
    ];
    assert.deepEqual(
      order.toSorted((a, b) => a - b),
      order,
    );
    assert.match(config, /location https:\/\/%\[var\(txn\.host\)\]%\[pathq\] code 308/);
  });

  test('a redirect names another port than 443', () => {
    const settings = resolveSettings({ ...SETTINGS, tlsBinds: [{ address: '*', port: 8443 }] });
    assert.match(
      renderConfig({ ...emptyTable(1), tls: true }, settings),
      /location https:\/\/%\[var\(txn\.host\)\]:8443%/,
    );
  });
});
