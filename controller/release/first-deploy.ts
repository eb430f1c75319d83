import { parseAppJson, type AppJson } from '../../shared/domain/app-json.ts';
import type { DeployScripts } from '../../shared/domain/deploy-scripts.ts';
import { checkConfigSize } from '../../shared/domain/config-size.ts';
import type { UserId } from '../../shared/domain/ids.ts';
import type { Failpoint } from '../../shared/kit/failpoint.ts';
import { SlipwayError, TROUBLE } from '../../shared/kit/errors.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import { sealAll, type ConfigVars } from '../../shared/kit/sensitive.ts';
import type { App } from '../domain/apps.ts';
import type { Store } from '../store/port.ts';
import { checkConfig } from './config-changes.ts';

export interface FirstDeployDeps {
  readonly store: Pick<Store, 'config' | 'setConfig' | 'currentRelease' | 'formation' | 'setFormation'>;
  /** 64 hex digits, as on Heroku. */
  readonly randomSecret: () => string;
  readonly failpoint: Failpoint;
}

export interface AppliedAppJson {
  /** For the user who pushes. */
  readonly said: string;
  /** For the slug. Undefined: it has none. */
  readonly scripts: DeployScripts | undefined;
}

/**
 * Reads app.json before the build. Until an app has a current release, it gets the variables and the formation that app.json names, where it has
 * none of its own. The caller holds the app's queue then.
 * @throws SLIP_BUILD_APP_JSON, SLIP_APP_JSON_ENV, and what checks of config vars throw
 */
export async function applyAppJson(
  { store, randomSecret, failpoint }: FirstDeployDeps,
  { app, userId, content }: { readonly app: App; readonly userId: UserId; readonly content: Uint8Array },
): Promise<AppliedAppJson> {
  const appJson = parseAppJson(content);
  const warning = renderUnused(appJson.unused);
  const scripts = Object.keys(appJson.scripts).length === 0 ? undefined : appJson.scripts;
  if ((await store.currentRelease(app.id)) !== undefined) return { said: warning, scripts };
  const config = await store.config(app.id);
  const missing = missingVariables(appJson.env, config);
  if (missing.length > 0) throw variablesMissing(app, missing);
  const changes = newVariables(appJson.env, { config, randomSecret });
  const formation = await store.formation(app.id);
  const counts = Object.entries(appJson.formation).filter(([type]) => ownProperty(formation, type) === undefined);
  for (const [name, value] of Object.entries(changes)) checkConfig(name, value);
  checkConfigSize(app.name, { ...config, ...sealAll(changes) });
  if (Object.keys(changes).length > 0) await store.setConfig(app.id, changes, userId);
  await failpoint('appJson.configStored');
  if (counts.length > 0) await store.setFormation(app.id, Object.fromEntries(counts));
  return { said: warning + renderApplied(Object.keys(changes), counts), scripts };
}

type Env = AppJson['env'];

/** Pure: the variables that somebody must set before the first deploy. */
export function missingVariables(env: Env, config: ConfigVars): readonly string[] {
  return Object.entries(env)
    .filter(([name, variable]) => ownProperty(config, name) === undefined && isMissing(variable))
    .map(([name]) => name);
}

function isMissing({ value, required, isGenerated }: Env[string]): boolean {
  return required && !isGenerated && value === undefined;
}

/** Pure but for the secrets: the values for variables that the app does not have. */
export function newVariables(
  env: Env,
  { config, randomSecret }: { readonly config: ConfigVars; readonly randomSecret: () => string },
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, { value, isGenerated }]) => {
      if (ownProperty(config, name) !== undefined) return [];
      const chosen = isGenerated ? randomSecret() : value;
      return chosen === undefined ? [] : [[name, chosen]];
    }),
  );
}

function renderApplied(names: readonly string[], counts: readonly (readonly [string, number])[]): string {
  const lines = [
    ...(names.length === 0 ? [] : [`Set config vars: ${names.join(', ')}`]),
    ...(counts.length === 0 ? [] : [`Scaled: ${counts.map(([type, count]) => `${type}=${String(count)}`).join(' ')}`]),
  ];
  return lines.length === 0 ? '' : `-----> Applying app.json\n${lines.map((line) => `       ${line}\n`).join('')}`;
}

function renderUnused(unused: readonly string[]): string {
  if (unused.length === 0) return '';
  return `${TROUBLE}app.json: Slipway does not use ${unused.map((name) => `"${name}"`).join(', ')}.\n`;
}

function variablesMissing({ name }: App, missing: readonly string[]): SlipwayError {
  return new SlipwayError({
    code: 'SLIP_APP_JSON_ENV',
    message: `app.json requires config vars that ${name} does not have: ${missing.join(', ')}.`,
    hint: `Set them, then push again: slipway config:set ${missing.map((each) => `${each}=VALUE`).join(' ')} -a ${name}`,
    httpStatus: 422,
  });
}
