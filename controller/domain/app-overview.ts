import type { App } from './apps.ts';
import type { AssignmentRow } from './assignments.ts';
import type { Build } from './builds.ts';
import type { ReleaseLine } from './releases.ts';
import type { Formation, ProcessSettings } from '../../shared/domain/placement.ts';

/** Data of one app for a list of many apps. */
export interface AppOverview {
  readonly app: App;
  readonly current: (ReleaseLine & { readonly processTypes: Readonly<Record<string, string>> }) | undefined;
  /** Newest release of any state. */
  readonly latest: ReleaseLine | undefined;
  readonly latestBuild: Build | undefined;
  readonly formation: Formation;
  readonly settings: Readonly<Record<string, ProcessSettings>>;
  readonly rows: readonly AssignmentRow[];
}
