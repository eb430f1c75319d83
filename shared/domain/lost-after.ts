/**
 * Shortest wait. When many nodes disappear together, all of them must be unreachable before the first counts as lost. A shorter wait
 * would confuse an outage with a loss.
 */
export const MIN_LOST_AFTER_MS = 45_000;
