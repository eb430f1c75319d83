import { z } from 'zod';

/** The scripts of app.json that run in a deploy, in their order: Dokku's predeploy, Heroku's postdeploy, Dokku's postdeploy. */
export const SCRIPT_NAMES = ['predeploy', 'setup', 'postdeploy'] as const;
export type ScriptName = (typeof SCRIPT_NAMES)[number];

/** How app.json names them. */
export const SCRIPT_KEYS: Readonly<Record<ScriptName, string>> = {
  predeploy: 'scripts.dokku.predeploy',
  setup: 'scripts.postdeploy',
  postdeploy: 'scripts.dokku.postdeploy',
};

/** As for cron entries. */
export const SCRIPT_LENGTH_MAX = 4096;

const command = z.string().min(1).max(SCRIPT_LENGTH_MAX);

/** Command lines for `bash -c`. */
export const deployScripts = z.strictObject({
  /** Runs before the release command. When it fails, the release fails. */
  predeploy: command.optional(),
  /** Runs once, after the first deploy of the app. */
  setup: command.optional(),
  /** Runs after each deploy. */
  postdeploy: command.optional(),
});
export type DeployScripts = z.output<typeof deployScripts>;
