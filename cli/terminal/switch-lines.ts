import type { ReleaseDetails } from '../../shared/api/release-history.ts';
import { saySwitch, sayUncounted } from '../../shared/domain/switch-figures.ts';

/** How many requests failed while the traffic moved, in one or two lines. None when the controller has no figures. */
export function renderSwitch(report: ReleaseDetails['switch']): readonly string[] {
  if (report === undefined) return [];
  const uncounted = sayUncounted(report);
  return [`${saySwitch(report)}\n`, ...(uncounted === undefined ? [] : [`${uncounted}\n`])];
}
