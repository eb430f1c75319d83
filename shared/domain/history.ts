/** Releases kept of each app. Older ones are removed, except those that {@link KEPT_WORDS} names. A release is up to 256 KiB of config and commands. */
export const RELEASES_KEPT = 200;

/** The slugs that an app keeps for a rollback, beside the slug of its current release, those of pinned releases and those that run. */
export const SLUGS_KEPT = 5;

/** The highest number that a user can set instead of {@link SLUGS_KEPT}. */
export const SLUGS_KEPT_MAX = 100;

/** Most pinned releases of an app. */
export const PINS_MAX = 20;

/** Builds kept of each app, with their output. The output of one build is 10 MiB at most. */
export const BUILDS_KEPT = 200;

/** Tells users why older entries are missing. */
export const KEPT_WORDS = {
  releases: `Slipway keeps the newest ${String(RELEASES_KEPT)} releases, and older ones that serve, that have instances, or that served last.`,
  builds: `Slipway keeps the newest ${String(BUILDS_KEPT)} builds, and the builds of the releases that it keeps.`,
} as const;
