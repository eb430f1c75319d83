import type { CronEntry } from './cron.ts';
import type { DeployScripts } from './deploy-scripts.ts';
import type { HealthChecks } from './health-check.ts';
import type { Digest } from './ids.ts';

/**
 * One read-only squashfs image of a slug. All layers have /app as their root, so
 * overlayfs can stack them. Files are root-owned in the image; no app's uid enters a digest.
 */
export interface Layer {
  /** `runtime`, `dependencies` or `app`; unique within a slug. */
  readonly name: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** True: never written by the app, so mounted as it is for every app (files show as nobody, readable). */
  readonly shared: boolean;
}

/** The result of a build: everything that is needed to run the app, except its config. */
export interface Slug {
  /** Bottom first: runtime, dependencies, app. At least one. */
  readonly layers: readonly Layer[];
  /** Process type → command line for `bash -c`. */
  readonly processTypes: Readonly<Record<string, string>>;
  /** Stack it was built on, e.g. `host`, `debian-12`. */
  readonly stack: string;
  /** OS release and architecture a `host` slug is bound to, e.g. `debian-12-x64`. */
  readonly platform: string;
  /** 40 hex digits of the git commit. */
  readonly commit: string;
  /** Display names of the buildpacks, in the order they ran. */
  readonly buildpacks: readonly string[];
  /** Config variables a buildpack's bin/release suggests; set only where the app has none (Heroku). */
  readonly defaultConfig: Readonly<Record<string, string>>;
  /** The health checks of app.json; absent: none, also from an older builder. */
  readonly checks?: HealthChecks | undefined;
  /** The cron entries of app.json; absent: none, also from an older builder. */
  readonly cron?: readonly CronEntry[] | undefined;
  /** The scripts of app.json. The controller adds them, so they do not depend on the version of the builder. Absent: none. */
  readonly scripts?: DeployScripts | undefined;
}

/** Compressed size of the whole slug. */
export function slugSizeBytes(slug: Slug): number {
  return slug.layers.reduce((sum, layer) => sum + layer.sizeBytes, 0);
}
