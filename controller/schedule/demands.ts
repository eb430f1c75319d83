import { DEFAULT_LIMITS, type Limits } from '../../shared/domain/assignment.ts';
import type { AppId, InstanceId, NodeId } from '../../shared/domain/ids.ts';
import { ANYWHERE, wantedCounts, type Formation, type ProcessSettings } from '../../shared/domain/placement.ts';
import { slugSizeBytes, type Slug } from '../../shared/domain/slug.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import type { PlacedInstance } from './moves.ts';
import type { Needs } from './nodes.ts';
import type { ProcessDemand } from './plan.ts';

/** What an app's instances are, as far as placing goes. */
export interface AppShape {
  readonly slug: Slug;
  readonly formation: Formation;
  readonly settings: Readonly<Record<string, ProcessSettings>>;
}

/**
 * Free disk that an instance needs at least, besides its slug. The default limit is a ceiling, not a promise: few apps write
 * at all, and their images are sparse. A limit that somebody asked for is promised.
 */
const DISK_FLOOR_BYTES = 64 * 1024 * 1024;

export function limitsOf(settings: AppShape['settings'], processType: string): Limits {
  const chosen = ownProperty(settings, processType)?.limits;
  const limit = (name: keyof Limits): number => chosen?.[name] ?? DEFAULT_LIMITS[name];
  return {
    memoryBytes: limit('memoryBytes'),
    pidsMax: limit('pidsMax'),
    cpuMillis: limit('cpuMillis'),
    diskBytes: limit('diskBytes'),
    diskInodes: limit('diskInodes'),
  };
}

export function needsOf({ slug, settings }: AppShape, processType: string): Needs {
  const chosen = ownProperty(settings, processType);
  return {
    memoryBytes: limitsOf(settings, processType).memoryBytes,
    diskBytes: slugSizeBytes(slug) + (chosen?.limits?.diskBytes ?? DISK_FLOOR_BYTES),
    rule: chosen?.placement ?? ANYWHERE,
    slug,
  };
}

/** The process types of which something shall run. */
export function demandsOf(shape: AppShape): readonly ProcessDemand[] {
  return Object.entries(wantedCounts(shape.slug.processTypes, shape.formation))
    .filter(([, count]) => count !== 0)
    .map(([processType, count]) => ({ processType, count, ...needsOf(shape, processType) }));
}

/** An assignment as the planners of moves see it. */
export function placedInstance(
  shape: AppShape,
  row: {
    readonly instanceId: InstanceId;
    readonly appId: AppId;
    readonly processType: string;
    readonly ordinal: number;
    readonly nodeId: NodeId;
    readonly limits: Limits;
  },
): PlacedInstance {
  const { instanceId, appId, processType, ordinal, nodeId, limits } = row;
  return {
    ...needsOf(shape, processType),
    ...{ instanceId, appId, processType, ordinal, nodeId, memoryBytes: limits.memoryBytes },
    everyNode: ownProperty(shape.formation, processType) === 'all',
  };
}
