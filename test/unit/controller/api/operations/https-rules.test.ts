import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changeRules, removalNotes, type RulesChange } from '../../../../../controller/api/operations/https-rules.ts';
import type { App } from '../../../../../controller/domain/apps.ts';

const APP = { id: 'app', name: 'shop' } as unknown as App;

function change(wanted: RulesChange): Promise<[readonly string[], readonly unknown[]]> {
  const stored: unknown[] = [];
  const store = {
    canonicalName: () => Promise.resolve(undefined),
    setCanonicalName: (_app: unknown, hostname: string | undefined) => {
      stored.push(hostname);
      return Promise.resolve(hostname !== 'nobody.test');
    },
    hsts: () => Promise.resolve(undefined),
    setHsts: (_app: unknown, hsts: unknown) => {
      stored.push(hsts);
      return Promise.resolve();
    },
  };
  return changeRules({ store }, APP, wanted).then((done) => [done, stored]);
}

const HSTS = { maxAgeS: 60, includeSubdomains: false, preload: false };

describe('the canonical name and HSTS of an app', () => {
  it('are stored, and each change has its words', async () => {
    assert.deepEqual(await change({ canonical: 'WWW.shop.test', hsts: HSTS }), [
      ['made www.shop.test the canonical name', 'set HSTS "max-age=60"'],
      ['www.shop.test', HSTS],
    ]);
    assert.deepEqual((await change({ canonical: null, hsts: null }))[0], [
      'removed the canonical name',
      'switched off HSTS',
    ]);
    assert.deepEqual(await change({}), [[], []]);
  });

  it('are refused for a wildcard, and for a name that the app does not have', async () => {
    for (const canonical of ['*.shop.test', 'nobody.test'])
      await assert.rejects(change({ canonical }), { code: 'SLIP_DOMAIN_CANONICAL' });
  });

  it('are refused for the lists of browsers without subdomains or with a short time, and nothing is stored', async () => {
    const preload = { maxAgeS: 31_536_000, includeSubdomains: true, preload: true };
    assert.equal((await change({ hsts: preload }))[1].length, 1);
    for (const wrong of [
      { ...preload, includeSubdomains: false },
      { ...preload, maxAgeS: 31_535_999 },
      { ...HSTS, maxAgeS: 63_072_001 },
    ])
      await assert.rejects(change({ canonical: 'www.shop.test', hsts: wrong }), { code: 'SLIP_HTTPS_HSTS' });
  });

  it('are named when a domain is removed', () => {
    const rules = { canonical: 'www.shop.test', hsts: HSTS };
    assert.deepEqual(removalNotes(APP, ['www.shop.test'], rules), [
      'www.shop.test was the canonical name of shop, so the other names are not redirected any more.',
      'HSTS of shop is on: browsers may use only HTTPS for www.shop.test for another 60 s.',
    ]);
    assert.deepEqual(removalNotes(APP, ['shop.test'], { canonical: 'www.shop.test', hsts: undefined }), []);
    assert.deepEqual(removalNotes(APP, [], rules), []);
  });
});
