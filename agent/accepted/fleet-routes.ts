import { routesDigest, withUpdate, type FleetRoutes, type RoutesUpdate } from '../../shared/domain/fleet-routes.ts';
import type { Reason } from '../../shared/domain/instance.ts';
import type { Decision } from './decision.ts';
import { refuseOutdated, type DocumentVersion, type VersionRule } from './refuse-outdated.ts';

const VERSION_RULE: VersionRule = {
  noun: 'route table',
  generationsContinueAcrossEpochs: false,
  codes: {
    oldEpoch: 'SLIP_ROUTES_OLD_EPOCH',
    otherController: 'SLIP_ROUTES_OTHER_CONTROLLER',
    oldGeneration: 'SLIP_ROUTES_OLD_VERSION',
  },
};

/** Pure: the route table after an offer, which is a whole table or a change of one. */
export function decideFleetRoutes(accepted: FleetRoutes | undefined, update: RoutesUpdate): Decision<FleetRoutes> {
  const reason = refuseRoutes(accepted, update);
  if (reason !== undefined) return { accepted: false, reason };
  const document =
    accepted === undefined ? withUpdate(update, { ...update, baseVersion: 0 }) : withUpdate(accepted, update);
  return { accepted: true, document, changed: JSON.stringify(document) !== JSON.stringify(accepted) };
}

/** Pure: the reason why a node cannot apply a change to the route table that it has accepted. */
export function refuseRoutes(accepted: FleetRoutes | undefined, update: RoutesUpdate): Reason | undefined {
  if (accepted === undefined) {
    const isWhole = update.baseVersion === 0 && update.sameAs === undefined;
    return isWhole ? undefined : wrongBase(undefined, update);
  }
  if (update.sameAs !== undefined && update.sameAs !== routesDigest(accepted))
    return wrongBase(accepted.version, update);
  return refuseUpdate(accepted, update);
}

function refuseUpdate(accepted: FleetRoutes, update: RoutesUpdate): Reason | undefined {
  const reason = refuseOutdated(VERSION_RULE, versionOf(accepted), versionOf(update));
  const isOldVersion = reason?.code === VERSION_RULE.codes.oldGeneration;
  if (reason !== undefined && !isOldVersion) return reason;
  const isSameEpoch = accepted.epoch.counter === update.epoch.counter;
  if (update.baseVersion !== 0 && !(isSameEpoch && accepted.version === update.baseVersion))
    return wrongBase(isSameEpoch ? accepted.version : undefined, update);
  return reason;
}

function versionOf({ epoch, version }: Pick<FleetRoutes, 'epoch' | 'version'>): DocumentVersion {
  return { epoch, generation: version };
}

function wrongBase(version: number | undefined, { baseVersion }: RoutesUpdate): Reason {
  return {
    code: 'SLIP_ROUTES_GAP',
    message: `The controller sent a change of route table ${String(baseVersion)}, but this node has ${version === undefined ? 'none' : String(version)}.`,
    hint: 'Nothing to do: the controller now sends the whole table.',
  };
}
