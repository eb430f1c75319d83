import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadBaseCertificate } from '../../../../controller/certificates/base-certificate.ts';
import type { Certificate, NewCertificate } from '../../../../controller/domain/certificates.ts';
import { makeLocalCertificate } from '../../../../script/local-ca/local-ca.ts';
import { systemClock } from '../../../../shared/kit/clock.ts';
import { silentLogger } from '../../../../shared/kit/log.ts';

interface Scene {
  readonly dir: string;
  readonly saved: NewCertificate[];
  readonly events: string[];
  removed: number;
  load(baseDomain: string, hasFiles?: boolean): Promise<void>;
}

async function openScene(t: TestContext): Promise<Scene> {
  const dir = await mkdtemp(join(tmpdir(), 'slipway-base-'));
  t.after(() => rm(dir, { recursive: true }));
  await makeLocalCertificate({ caDir: dir, appsDir: dir, baseDomain: 'apps.localhost', nowMs: Date.now() });
  const saved: NewCertificate[] = [];
  const events: string[] = [];
  const store = {
    certificate: () => Promise.resolve(saved.at(-1) as Certificate | undefined),
    saveCertificate: (certificate: NewCertificate) => {
      saved.push(certificate);
      return Promise.resolve({ ...certificate, createdAtMs: 0, storedAtMs: 0 });
    },
    removeCertificate: () => {
      scene.removed += 1;
      return Promise.resolve(true);
    },
    addEvent: (event: { readonly message: string }) => {
      events.push(event.message);
      return Promise.resolve();
    },
  };
  const baseCertificate = { certificate: join(dir, 'apps.pem'), key: join(dir, 'apps.key') };
  const load = (baseDomain: string, hasFiles = true): Promise<void> =>
    loadBaseCertificate(
      { store: store as never, clock: systemClock, log: silentLogger },
      { baseDomain, ...(hasFiles ? { baseCertificate } : {}) },
    );
  const scene: Scene = { dir, saved, events, removed: 0, load };
  return scene;
}

test('the certificate of the base domain belongs to every app, and is stored once', async (t) => {
  const scene = await openScene(t);
  await scene.load('apps.localhost');
  await scene.load('apps.localhost');
  assert.deepEqual(
    scene.saved.map(({ appId, names, kind }) => [appId, names, kind]),
    [[undefined, ['*.apps.localhost', 'apps.localhost'], 'uploaded']],
  );
  assert.deepEqual(scene.events, []);
});

test('it ends when the settings name none', async (t) => {
  const scene = await openScene(t);
  await scene.load('apps.localhost', false);
  assert.equal(scene.removed, 0);
  await scene.load('apps.localhost');
  await scene.load('apps.localhost', false);
  assert.equal(scene.removed, 1);
});

test('wrong files change nothing, and the event says why', async (t) => {
  const scene = await openScene(t);
  await scene.load('other.test');
  assert.match(scene.events[0] ?? '', /cannot be used: The certificate does not have the name \*\.other\.test\.$/);
  await writeFile(join(scene.dir, 'apps.pem'), 'nothing');
  await scene.load('apps.localhost');
  await rm(join(scene.dir, 'apps.pem'));
  await scene.load('apps.localhost');
  assert.equal(scene.events.length, 3);
  assert.deepEqual(scene.saved, []);
});
