import type { CacheSize } from './cache-disk.ts';

/** Settings for builds on this node. */
export interface BuildRunnerConfig {
  /** Temporary files, one folder per running build. Cleaned at start. Absolute, private to the agent. */
  readonly tasksDir: string;
  /** One folder per app: CACHE_DIR of its buildpacks and the layers of its last build. Absolute. */
  readonly cacheDir: string;
  /** The shipped buildpacks: `buildpacks/` of the product. Absolute. */
  readonly buildpacksDir: string;
  /** `agent/build/inside` of the product. Absolute. */
  readonly insideDir: string;
  /** A Node distribution (bin/node, lib/node_modules/npm) for the nodejs and static buildpacks; without it they download one. */
  readonly toolchainDir?: string | undefined;
  /** Folder of buildpacks on this node that any app may use by path. Absent: there are none. */
  readonly localBuildpacksDir?: string | undefined;
  /** OS release and architecture, e.g. `debian-12-x64`. A slug of stack `host` runs only there. */
  readonly platform: string;
  /** For package managers of every build: registries, mirrors, certificates. Only {@link BUILD_ENV_NAMES}. */
  readonly buildEnv: Readonly<Record<string, string>>;
  /** The largest accepted source, compressed. */
  readonly sourceLimitBytes: number;
  /** The largest build cache. A larger one is emptied after the build. */
  readonly cacheLimit: CacheSize;
  /** Each cache and each result folder has its own file system of limited size; false if this agent cannot mount. */
  readonly canMount: boolean;
}

export const DEFAULT_SOURCE_LIMIT_BYTES = 1024 * 1024 * 1024;
export const DEFAULT_CACHE_LIMIT: CacheSize = Object.freeze({ bytes: 2 * 1024 * 1024 * 1024, inodes: 250_000 });

/** Variables of package managers that an operator may pass to builds. The build scripts of apps can read the values. */
const BUILD_ENV_NAMES: ReadonlySet<string> = new Set([
  'NPM_CONFIG_REGISTRY',
  'npm_config_registry',
  'NPM_CONFIG_CAFILE',
  'npm_config_cafile',
  'NODE_EXTRA_CA_CERTS',
  'YARN_REGISTRY',
  'YARN_NPM_REGISTRY_SERVER',
  'PIP_INDEX_URL',
  'PIP_EXTRA_INDEX_URL',
  'PIP_FIND_LINKS',
  'PIP_NO_INDEX',
  'PIP_TRUSTED_HOST',
  'PIP_CERT',
  'PIP_DEFAULT_TIMEOUT',
  'SSL_CERT_FILE',
  'BUILDPACK_REGISTRY_URL',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
]);

/** The allowed variables of an environment, for {@link BuildRunnerConfig.buildEnv}. */
export function pickBuildEnv(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter(
      (entry): entry is [string, string] => BUILD_ENV_NAMES.has(entry[0]) && entry[1] !== undefined,
    ),
  );
}
