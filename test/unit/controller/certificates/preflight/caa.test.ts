import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refuseByCaa, type CaaQuestion, type CaaRecord } from '../../../../../controller/certificates/preflight/caa.ts';

const plain: CaaQuestion = {
  ...{ isWildcard: false, identities: ['letsencrypt.org'], accountUrl: 'https://ca.test/account/1' },
  method: 'http-01',
};
const wildcard: CaaQuestion = { ...plain, isWildcard: true };
const record = (tag: string, value: string, critical = false): CaaRecord => ({ tag, value, critical });
const isAllowed = (records: readonly CaaRecord[], question = plain): boolean =>
  refuseByCaa(records, question) === undefined;

test('the name of the CA allows it, in any case and among others', () => {
  assert.ok(isAllowed([]));
  assert.ok(isAllowed([record('issue', 'LetsEncrypt.org')]));
  assert.ok(isAllowed([record('issue', 'digicert.com'), record('ISSUE', ' letsencrypt.org ')]));
  assert.ok(isAllowed([record('iodef', 'mailto:a@example.com')]));
});

test('another CA, or none, forbids it and is named', () => {
  assert.deepEqual(refuseByCaa([record('issue', 'digicert.com'), record('issue', 'sectigo.com')], plain), {
    ...{ allowed: 'only digicert.com, sectigo.com', tag: 'issue' },
  });
  assert.equal(refuseByCaa([record('issue', ';')], plain)?.allowed, 'no certificate authority');
  assert.equal(isAllowed([record('issue', 'evil-letsencrypt.org')]), false);
});

test('issuewild decides for wildcards only, and issue decides when there is no issuewild', () => {
  const onlyPlain = [record('issue', 'letsencrypt.org'), record('issuewild', ';')];
  assert.ok(isAllowed(onlyPlain));
  assert.equal(refuseByCaa(onlyPlain, wildcard)?.tag, 'issuewild');
  assert.ok(isAllowed([record('issue', ';'), record('issuewild', 'letsencrypt.org')], wildcard));
  assert.equal(isAllowed([record('issue', 'digicert.com')], wildcard), false);
  assert.ok(isAllowed([record('issuewild', ';')]));
});

test('the parameters name our account and our way of validation', () => {
  const issue = (parameters: string): readonly CaaRecord[] => [record('issue', `letsencrypt.org; ${parameters}`)];
  assert.ok(isAllowed(issue('accounturi=https://ca.test/account/1')));
  assert.equal(isAllowed(issue('accounturi=https://ca.test/account/2')), false);
  assert.ok(isAllowed(issue('validationmethods=dns-01,http-01')));
  assert.equal(isAllowed(issue('validationmethods=dns-01')), false);
  assert.ok(isAllowed(issue('something=else')));
});

test('an unknown property forbids it only when it is critical', () => {
  assert.ok(isAllowed([record('tbs', 'x')]));
  assert.equal(refuseByCaa([record('tbs', 'x', true)], plain)?.tag, 'unknown');
  assert.ok(isAllowed([record('issue', 'letsencrypt.org', true)]));
});
