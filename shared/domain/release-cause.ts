/** What made a release. `settings`: a change of health checks or of similar settings. */
export const RELEASE_CAUSES = ['deploy', 'config', 'rollback', 'promote', 'settings'] as const;

export type ReleaseCause = (typeof RELEASE_CAUSES)[number];
