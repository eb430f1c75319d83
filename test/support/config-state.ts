import { join } from 'node:path';
import { ConfigKeys } from '../../controller/secrets/config-keys.ts';
import { openKeyFile } from '../../controller/secrets/key-file.ts';
import { Keyring } from '../../controller/secrets/keyring.ts';
import type { App } from '../../controller/domain/apps.ts';
import { openStore } from '../../controller/store/open-store.ts';
import type { Store } from '../../controller/store/port.ts';
import { ensureDir } from '../../shared/kit/atomic-file.ts';
import { systemClock } from '../../shared/kit/clock.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import { silentLogger } from '../../shared/kit/log.ts';
import { randomId } from '../../shared/kit/random-id.ts';
import type { CertificateId } from '../../shared/domain/ids.ts';
import { Sensitive, sealAll } from '../../shared/kit/sensitive.ts';
import { addApp, addUser, newRelease, noChange } from './store-fixtures.ts';

/** The database and the keys of a controller, opened as the controller opens them. */
export interface ConfigState extends AsyncDisposable {
  readonly store: Store;
  readonly keys: ConfigKeys;
}

interface StateOptions {
  /** The failpoint that throws. */
  readonly failAt?: string;
  readonly failpoint?: Failpoint;
  readonly env?: Readonly<Record<string, string>>;
}

export async function openConfigState(dir: string, options: StateOptions = {}): Promise<ConfigState> {
  await ensureDir(dir, 0o700);
  const keyFile = await openKeyFile(join(dir, 'config.key'), options.env ?? {});
  const keyring = new Keyring(keyFile.keys);
  const store = await openStore({ path: join(dir, 'slipway.db'), clock: systemClock, randomId, keyring });
  const failpoint = options.failpoint ?? throwing(options.failAt);
  const keys = new ConfigKeys({ store, keyring, keyFile, failpoint, log: silentLogger });
  try {
    await keys.start();
  } catch (error) {
    await store.close();
    throw error;
  }
  return { store, keys, [Symbol.asyncDispose]: () => store.close() };
}

function throwing(failAt: string | undefined): Failpoint {
  return (name) => (name === failAt ? Promise.reject(new Error(`failpoint ${name}`)) : Promise.resolve());
}

export const PLANTED: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from({ length: 50 }, (_, index) => [`PLANTED_${String(index)}`, `clear-value-${String(index)}-of-the-test`]),
);

export const PLANTED_OUTPUT = `connected with ${PLANTED['PLANTED_3'] ?? ''}\n`;
export const PLANTED_BUILDPACK = `https://ada:${PLANTED['PLANTED_4'] ?? ''}@git.test/buildpack.git`;

/** The key of this certificate is one of the values. */
export const PLANTED_CERTIFICATE = 'crt0planted' as CertificateId;

/** An app with 50 values, and a release that has them. */
export async function addPlanted(store: Store): Promise<{ readonly app: App }> {
  const user = await addUser(store, 'ada', true);
  const app = await addApp(store, user.id);
  await store.setConfig(app.id, PLANTED, user.id);
  await store.createRelease(newRelease(app, { config: sealAll(PLANTED) }));
  await store.beginRollout(app.id, 1, noChange);
  await store.completeRollout(app.id, 1, noChange);
  await store.appendReleaseOutput(app.id, 1, PLANTED_OUTPUT);
  await store.changeBuildSettings(app.id, () => ({ buildpacks: [PLANTED_BUILDPACK] }));
  await store.saveCertificate({
    ...{ id: PLANTED_CERTIFICATE, appId: app.id, kind: 'uploaded', names: ['a.example'], fingerprint: 'ab'.repeat(32) },
    ...{ notBeforeMs: 1, notAfterMs: 2, chainPem: 'chain', keyPem: new Sensitive(PLANTED['PLANTED_5'] ?? '') },
  });
  return { app };
}
