import { join } from 'node:path';
import type { Clock } from '../shared/kit/clock.ts';
import type { Failpoint } from '../shared/kit/failpoint.ts';
import type { Logger } from '../shared/kit/log.ts';
import { randomId } from '../shared/kit/random-id.ts';
import type { Authority } from './access/ca/authority.ts';
import { openCa } from './access/ca/open-ca.ts';
import { createImageStore } from './build/image-store.ts';
import type { ImageStore } from './build/port.ts';
import type { ControllerConfig } from './config.ts';
import { openStore } from './store/open-store.ts';
import type { Store } from './store/port.ts';
import { ConfigKeys } from './secrets/config-keys.ts';
import { openKeyFile } from './secrets/key-file.ts';
import { Keyring } from './secrets/keyring.ts';

/** Folder of the product: programs, buildpacks, packages. */
export const PRODUCT_DIR = join(import.meta.dirname, '..');

/** What main.ts gives to everything else. */
export interface Basics {
  readonly config: ControllerConfig;
  readonly clock: Clock;
  readonly log: Logger;
  readonly failpoint: Failpoint;
  /** Environment of this process, for the programs of the product that it starts. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the controller is told to stop. */
  readonly signal: AbortSignal;
}

export interface Foundations {
  readonly store: Store;
  readonly authority: Authority;
  readonly images: ImageStore;
  readonly configKeys: ConfigKeys;
}

export interface Paths {
  readonly database: string;
  readonly repos: string;
  readonly images: string;
  readonly builds: string;
  readonly ca: string;
  readonly configKey: string;
}

export function controllerPaths(stateDir: string): Paths {
  return {
    database: join(stateDir, 'slipway.db'),
    repos: join(stateDir, 'repos'),
    images: join(stateDir, 'images'),
    builds: join(stateDir, 'builds'),
    ca: join(stateDir, 'ca'),
    configKey: join(stateDir, 'config.key'),
  };
}

/**
 * Opens the database, the keys of its config values, the certificate authority and the image store.
 * @throws SLIP_CONFIG_KEY_MISSING, SLIP_CONFIG_KEY_WRONG, SLIP_CONFIG_KEY_FILE, and the errors of the database
 */
export async function openFoundations({
  config,
  clock,
  env,
  failpoint,
  log,
}: Omit<Basics, 'signal'>): Promise<Foundations> {
  const keyFile = await openKeyFile(controllerPaths(config.stateDir).configKey, env);
  const keyring = new Keyring(keyFile.keys);
  const opened = await openStateDir(config, clock, keyring);
  const configKeys = new ConfigKeys({ store: opened.store, keyring, keyFile, failpoint, log });
  await configKeys.start();
  return { ...opened, configKeys };
}

/** Without a key, config values can be neither read nor written. The commands beside `serve` need none. */
export async function openStateDir(
  config: ControllerConfig,
  clock: Clock,
  keyring = new Keyring(),
): Promise<Omit<Foundations, 'configKeys'>> {
  const paths = controllerPaths(config.stateDir);
  const store = await openStore({ path: paths.database, clock, randomId, quotas: config.quotas, keyring });
  const fresh = (await store.users()).length === 0 && (await store.nodes()).length === 0;
  const serverNames = [...new Set([config.publicHost, 'localhost', '127.0.0.1', ...config.extraNames])];
  const authority = await openCa({ dir: paths.ca, mayCreate: fresh, serverNames, clock });
  const images = createImageStore({ dir: paths.images });
  await images.sweep();
  return { store, authority, images };
}
