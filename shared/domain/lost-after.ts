/**
 * A shorter wait could not tell a loss from an outage: of nodes that disappear together, all must be unreachable before the first
 * of them counts as lost.
 */
export const MIN_LOST_AFTER_MS = 45_000;
