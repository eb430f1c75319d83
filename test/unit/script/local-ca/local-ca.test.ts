import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { makeLocalCertificate } from '../../../../script/local-ca/local-ca.ts';

const DAY_MS = 86_400_000;
const BASE = 'apps.localhost';

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'slipway-local-ca-'));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

const make = (dir: string, { baseDomain = BASE, nowMs = Date.now() } = {}): Promise<boolean> =>
  makeLocalCertificate({ caDir: join(dir, 'tls'), appsDir: join(dir, 'controller'), baseDomain, nowMs });

const read = async (dir: string, file: string): Promise<X509Certificate> =>
  new X509Certificate(await readFile(join(dir, file)));

test('a local CA signs a certificate for the names below the base domain, with keys that only the owner reads', async (t) => {
  const dir = await folder(t);
  assert.equal(await make(dir), true);
  const [ca, apps] = [await read(dir, 'tls/ca.pem'), await read(dir, 'controller/apps.pem')];
  assert.ok(ca.ca && apps.checkIssued(ca) && apps.verify(ca.publicKey));
  assert.deepEqual([apps.checkHost(`hello.${BASE}`), apps.ca], [`*.${BASE}`, false]);
  assert.ok(new Date(apps.validTo).getTime() - new Date(apps.validFrom).getTime() <= 398 * DAY_MS);
  for (const file of ['tls/ca.key', 'controller/apps.key'])
    assert.equal((await stat(join(dir, file))).mode & 0o777, 0o600, file);
});

test('it is kept, and renewed before it ends; the CA stays', async (t) => {
  const dir = await folder(t);
  await make(dir);
  const ca = await readFile(join(dir, 'tls/ca.pem'), 'utf8');
  assert.equal(await make(dir), false);
  assert.equal(await make(dir, { nowMs: Date.now() + 360 * DAY_MS }), false);
  assert.equal(await make(dir, { nowMs: Date.now() + 370 * DAY_MS }), true);
  assert.equal(await readFile(join(dir, 'tls/ca.pem'), 'utf8'), ca);
});

test('another base domain, and another CA, need a new certificate', async (t) => {
  const dir = await folder(t);
  await make(dir);
  const ca = await readFile(join(dir, 'tls/ca.pem'), 'utf8');
  assert.equal(await make(dir, { baseDomain: 'apps.test' }), true);
  assert.notEqual(await readFile(join(dir, 'tls/ca.pem'), 'utf8'), ca);
  await writeFile(join(dir, 'tls/ca.pem'), ca);
  await rm(join(dir, 'tls/ca.key'));
  assert.equal(await make(dir), true);
});
