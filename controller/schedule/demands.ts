import { DEFAULT_LIMITS, type Limits } from '../../shared/domain/assignment.ts';
import type { AppId, InstanceId, NodeId } from '../../shared/domain/ids.ts';
import { ANYWHERE, wantedCounts, type Formation, type ProcessSettings } from '../../shared/domain/placement.ts';
import { slugSizeBytes, type Slug } from '../../shared/domain/slug.ts';
import { ownProperty } from '../../shared/kit/own-property.ts';
import type { PlacedInstance } from './moves.ts';
import type { Needs } from './nodes.ts';
import type { ProcessDemand } from './plan.ts';

/** The instances of an app, as far as placement needs them. */
export interface AppShape {
  readonly slug: Slug;
  readonly formation: Formation;
  readonly settings: Readonly<Record<string, ProcessSettings>>;
}

/**
 * Free disk that an instance needs besides its slug, if it has no disk limit of its own. The default limit is not reserved, because
 * few apps write much and their images are sparse. A limit that a user sets is reserved.
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

/** The process types with a count above zero. */
export function demandsOf(shape: AppShape): readonly ProcessDemand[] {
  return Object.entries(wantedCounts(shape.slug.processTypes, shape.formation))
    .filter(([, count]) => count !== 0)
    .map(([processType, count]) => ({ processType, count, ...needsOf(shape, processType) }));
}

/** An assignment in the form that the move planners need. */
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
    instanceId,
    appId,
    processType,
    ordinal,
    nodeId,
    memoryBytes: limits.memoryBytes,
    everyNode: ownProperty(shape.formation, processType) === 'all',
  };
}
