/**
 * Below this a loss could not be told from an outage: of nodes that went away together all must be known to be unreachable
 * before the first of them is given up.
 */
export const MIN_LOST_AFTER_MS = 45_000;
