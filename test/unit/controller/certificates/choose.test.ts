import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  chooseCertificates,
  covers,
  fleetCertificates,
  nextChangeMs,
  type NamedApp,
} from '../../../../controller/certificates/choose.ts';
import type { Certificate } from '../../../../controller/domain/certificates.ts';
import { CERTIFICATES_BYTES_MAX, certificateBytes } from '../../../../shared/domain/fleet-routes-size.ts';
import { CERTIFICATE_NAMES_LENGTH_MAX, CERTIFICATE_NAMES_MAX } from '../../../../shared/domain/fleet-routes.ts';
import type { AppId, CertificateId } from '../../../../shared/domain/ids.ts';

const NOW_MS = 1_000;
const SHOP = 'app0000shop' as AppId;
const BLOG = 'app0000blog' as AppId;

function certificate(id: string, names: readonly string[], fields: Partial<Certificate> = {}): Certificate {
  const times = { notBeforeMs: 0, notAfterMs: 2_000, createdAtMs: 1, storedAtMs: 1 };
  const own = { id: `crt0000${id}` as CertificateId, fingerprint: 'a'.repeat(64), names };
  return { ...own, ...times, kind: 'uploaded', appId: SHOP, ...fields };
}

function chosen(certificates: readonly Certificate[], apps: readonly NamedApp[], nowMs = NOW_MS): object {
  const choices = chooseCertificates(certificates, apps, nowMs);
  return Object.fromEntries([...choices].map(([name, { id }]) => [name, id.slice('crt0000'.length)]));
}

const shop = { appId: SHOP, hostnames: ['a.example', 'b.a.example', 'shop.base'] };

describe('the names of a certificate in the route table', () => {
  it('are at most as many as agents and HAProxy read', () => {
    const wild = certificate('wild', ['*.a.example']);
    const names = (count: number, pad: string) =>
      Array.from({ length: count }, (_, index) => `n${String(index).padStart(4, '0')}${pad}.a.example`);
    const inTable = (hostnames: readonly string[]): readonly string[] => {
      const choices = chooseCertificates([wild], [{ appId: SHOP, hostnames }], NOW_MS);
      assert.equal(choices.size, hostnames.length);
      return fleetCertificates(choices).flatMap((row) => row.names);
    };
    assert.deepEqual(inTable(names(1_500, '')), names(CERTIFICATE_NAMES_MAX, ''));
    const long = inTable(names(900, 'x'.repeat(50)));
    assert.ok(long.length > 400 && long.join(' ').length < CERTIFICATE_NAMES_LENGTH_MAX);
  });
});

describe('which certificate serves a name', () => {
  it('prefers a valid one, then an uploaded one, then the exact name, then the later end', () => {
    const acme = certificate('acme', ['a.example'], { kind: 'acme' });
    const upload = certificate('upload', ['a.example']);
    assert.deepEqual(chosen([acme, upload], [shop]), { 'a.example': 'upload' });
    assert.deepEqual(chosen([acme, { ...upload, notAfterMs: NOW_MS }], [shop]), { 'a.example': 'acme' });
    assert.deepEqual(chosen([acme, { ...upload, notBeforeMs: NOW_MS + 1 }], [shop]), { 'a.example': 'acme' });
    assert.deepEqual(chosen([{ ...upload, notAfterMs: 9 }], [shop]), { 'a.example': 'upload' }, 'better than none');
    const wildcard = certificate('wild', ['*.a.example'], { kind: 'acme', notAfterMs: 9_000 });
    const exact = certificate('exact', ['b.a.example'], { kind: 'acme' });
    assert.deepEqual(chosen([wildcard, exact], [shop]), { 'b.a.example': 'exact' });
    assert.deepEqual(chosen([wildcard, { ...exact, notAfterMs: NOW_MS }], [shop]), { 'b.a.example': 'wild' });
    assert.deepEqual(chosen([upload, certificate('later', ['a.example'], { notAfterMs: 3_000 })], [shop]), {
      'a.example': 'later',
    });
  });

  it('never serves a name of another app, and a certificate of the fleet serves all', () => {
    const blog = { appId: BLOG, hostnames: ['blog.base', 'c.a.example'] };
    const wild = certificate('wild', ['*.a.example', 'blog.base', 'c.a.example']);
    const base = certificate('base', ['*.base'], { kind: 'acme', appId: undefined });
    assert.deepEqual(chosen([wild, base], [shop, blog]), {
      ...{ 'b.a.example': 'wild', 'blog.base': 'base', 'shop.base': 'base' },
    });
  });

  it('covers one label with a wildcard, and a wildcard domain only with the same wildcard', () => {
    const cases: readonly [string, string, boolean][] = [
      ['a.example', 'a.example', true],
      ['*.example', 'a.example', true],
      ['*.example', 'b.a.example', false],
      ['*.example', 'example', false],
      ['*.example', '*.example', true],
      ['*.example', '*.a.example', false],
      ['a.example', '*.example', false],
    ];
    for (const [name, hostname, expected] of cases)
      assert.equal(covers([name], hostname), expected, `${name} ${hostname}`);
  });
});

describe('the certificates of the route table', () => {
  it('name each host name once, sorted, and fit; the oldest come first', () => {
    const names = fc.uniqueArray(fc.constantFrom('a.example', 'b.a.example', 'shop.base', '*.a.example'), {
      minLength: 1,
    });
    fc.assert(
      fc.property(fc.array(names, { maxLength: 4 }), (lists) => {
        const all = lists.map((list, at) => certificate(String(at), list));
        const rows = fleetCertificates(chooseCertificates(all, [shop], NOW_MS));
        const served = rows.flatMap((row) => row.names);
        assert.equal(new Set(served).size, served.length);
        assert.deepEqual(
          rows,
          rows.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
        );
      }),
    );
    const many = Array.from({ length: 60 }, (_, at) => {
      const hostnames = Array.from(
        { length: 500 },
        (_name, index) => `${'label'.repeat(7)}-${String(index)}.n${String(at)}.example`,
      );
      return { app: { appId: `app${String(at).padStart(5, '0')}` as AppId, hostnames }, at };
    });
    const all = many.map(({ app, at }) =>
      certificate(String(at), [`*.n${String(at)}.example`], { appId: app.appId, createdAtMs: 100 - at }),
    );
    const rows = fleetCertificates(
      chooseCertificates(
        all,
        many.map(({ app }) => app),
        NOW_MS,
      ),
    );
    assert.ok(rows.length > 10 && rows.length < 60);
    assert.ok(rows.reduce((sum, row) => sum + certificateBytes(row), 0) <= CERTIFICATES_BYTES_MAX);
    assert.ok(rows.some(({ id }) => id === 'crt000059') && !rows.some(({ id }) => id === 'crt00000'));
  });

  it('change next when a certificate begins or ends', () => {
    assert.equal(nextChangeMs([], NOW_MS), undefined);
    assert.equal(nextChangeMs([certificate('a', [], { notAfterMs: NOW_MS })], NOW_MS), undefined);
    assert.equal(nextChangeMs([certificate('a', [], { notBeforeMs: 1_500 })], NOW_MS), 1_500);
    assert.equal(nextChangeMs([certificate('a', []), certificate('b', [], { notAfterMs: 3_000 })], NOW_MS), 2_000);
  });
});
