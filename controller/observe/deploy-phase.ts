import type { BuildState, ReleaseState } from '../../shared/domain/states.ts';

export type DeployPhase =
  'none' | 'queued' | 'building' | 'waiting' | 'starting' | 'settling' | 'live' | 'failed' | 'cancelled';

interface DeployFacts {
  readonly build?: { readonly state: BuildState; readonly createdAtMs: number } | undefined;
  readonly release?: { readonly state: ReleaseState; readonly createdAtMs: number } | undefined;
  /** A deploy of the app runs in this controller. */
  readonly isRunning: boolean;
  /** Serving instances of the release, and of the one before it. */
  readonly instances: readonly { readonly isNew: boolean; readonly isLive: boolean }[];
}

interface PhaseAndSubject {
  readonly phase: DeployPhase;
  readonly about: 'build' | 'release';
}

/** Pure: the phase of the newest deploy, and whether the build or the release tells it. */
export function deployPhase(facts: DeployFacts): PhaseAndSubject {
  const { build, release, instances } = facts;
  const building = build === undefined ? undefined : BUILD_PHASES[build.state];
  if (building === 'queued' || building === 'building') return { phase: building, about: 'build' };
  if (release?.state === 'pending') return { phase: 'waiting', about: 'release' };
  if (release?.state === 'deploying') return { phase: rolloutPhase(instances), about: 'release' };
  return endedPhase(facts, building);
}

/** A succeeded build has no phase of its own. */
const BUILD_PHASES: Readonly<Record<BuildState, DeployPhase | undefined>> = {
  queued: 'queued',
  running: 'building',
  succeeded: undefined,
  failed: 'failed',
  cancelled: 'cancelled',
};

function endedPhase({ build, release, isRunning }: DeployFacts, building: DeployPhase | undefined): PhaseAndSubject {
  const isNewer = build !== undefined && build.createdAtMs > (release?.createdAtMs ?? 0);
  // The release of a succeeded build does not exist yet. Without a running deploy, a crash came between.
  if (isNewer) return { phase: building ?? (isRunning ? 'waiting' : 'failed'), about: 'build' };
  if (release === undefined) return { phase: 'none', about: 'release' };
  return { phase: release.state === 'failed' ? 'failed' : 'live', about: 'release' };
}

function rolloutPhase(instances: DeployFacts['instances']): DeployPhase {
  const started = instances.filter(({ isNew }) => isNew);
  const hasSwitched = started.length === instances.length;
  return hasSwitched && started.every(({ isLive }) => isLive) ? 'settling' : 'starting';
}
