import type { DesiredState } from '../../shared/domain/assignment.ts';
import type { FleetRoutes, RoutesUpdate } from '../../shared/domain/fleet-routes.ts';
import { compactForm } from '../../shared/rpc/desired-form.ts';
import { fleetRoutes } from '../../shared/rpc/fleet-routes-codec.ts';
import { desiredState } from '../../shared/rpc/schemas.ts';
import { AcceptedDocument, type DocumentKind } from './accepted-document.ts';
import { decideDesiredState } from './desired-state.ts';
import type { FileDeps } from './document-file.ts';
import { decideFleetRoutes } from './fleet-routes.ts';
import { resolveWithheld } from './withheld.ts';

/** Version 2 of the file stores once what the instances of a release have in common. Version 1 stores every assignment whole. */
const DESIRED_STATE: DocumentKind<DesiredState, DesiredState> = {
  codec: {
    fileName: 'desired.json',
    key: 'state',
    version: 2,
    readableVersions: [1, 2],
    schema: desiredState,
    encode: compactForm,
  },
  decide: (accepted, sent) => decideDesiredState(accepted, resolveWithheld(accepted, sent)),
};

const FLEET_ROUTES: DocumentKind<FleetRoutes, RoutesUpdate> = {
  codec: {
    fileName: 'routes.json',
    key: 'routes',
    version: 1,
    readableVersions: [1],
    schema: fleetRoutes,
    encode: (routes) => routes,
  },
  decide: decideFleetRoutes,
};

/** What the controller sent and this node has accepted. */
export interface AcceptedDocuments {
  /** Holds the config of apps in plain text. */
  readonly desiredState: AcceptedDocument<DesiredState>;
  /** With these routes, requests find their node while the controller is away. */
  readonly fleetRoutes: AcceptedDocument<FleetRoutes, RoutesUpdate>;
}

export function openDocuments(stateDir: string, deps: FileDeps): AcceptedDocuments {
  return {
    desiredState: new AcceptedDocument(stateDir, DESIRED_STATE, deps),
    fleetRoutes: new AcceptedDocument(stateDir, FLEET_ROUTES, deps),
  };
}
