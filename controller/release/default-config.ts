import { checkConfigSize } from '../../shared/domain/config-size.ts';
import type { Slug } from '../../shared/domain/slug.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import { sealAll, type ConfigVars } from '../../shared/kit/sensitive.ts';
import type { App } from '../domain/apps.ts';
import type { Store } from '../store/port.ts';

/**
 * The config vars of an app for a new release. As on Heroku, config vars of bin/release are set only if the app has no var of that name.
 * The caller holds the app's queue. @throws SLIP_CONFIG_SIZE
 */
export async function configWithDefaults(
  store: Pick<Store, 'config' | 'setConfig'>,
  app: App,
  slug: Slug,
): Promise<ConfigVars> {
  const config = await store.config(app.id);
  const missing = Object.entries(slug.defaultConfig).filter(([name]) => ownProperty(config, name) === undefined);
  const suggested = Object.fromEntries(missing);
  checkConfigSize(app.name, { ...config, ...sealAll(suggested) });
  return missing.length === 0 ? config : store.setConfig(app.id, suggested);
}
