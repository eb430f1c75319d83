// Original file: proto/slipway/v1/agent.proto

import type { NodeFacts as _slipway_v1_NodeFacts, NodeFacts__Output as _slipway_v1_NodeFacts__Output } from '../../slipway/v1/NodeFacts.ts';
import type { Epoch as _slipway_v1_Epoch, Epoch__Output as _slipway_v1_Epoch__Output } from '../../slipway/v1/Epoch.ts';
import type { Long } from '@grpc/proto-loader';

export interface Hello {
  'agentVersion'?: (string);
  'facts'?: (_slipway_v1_NodeFacts | null);
  'epoch'?: (_slipway_v1_Epoch | null);
  'generation'?: (number | string | Long);
  'cachedAppIds'?: (string)[];
  'runningTaskIds'?: (string)[];
  'takesFleetRoutes'?: (boolean);
  'fleetRoutesDigest'?: (string);
  'bootId'?: (string);
  'takesReleases'?: (boolean);
  'takesEgress'?: (boolean);
  'takesDestroyed'?: (boolean);
  'taskKinds'?: (string)[];
  'routesByAppId'?: (boolean);
  'checkProbes'?: (string)[];
  'takesMaintenance'?: (boolean);
  'takesCacheNumber'?: (boolean);
  'takesAttach'?: (boolean);
  'countsSwitches'?: (boolean);
  'takesCertificates'?: (boolean);
  'takesEdgeSettings'?: (boolean);
}

export interface Hello__Output {
  'agentVersion': (string);
  'facts': (_slipway_v1_NodeFacts__Output | null);
  'epoch': (_slipway_v1_Epoch__Output | null);
  'generation': (number);
  'cachedAppIds': (string)[];
  'runningTaskIds': (string)[];
  'takesFleetRoutes': (boolean);
  'fleetRoutesDigest': (string);
  'bootId': (string);
  'takesReleases': (boolean);
  'takesEgress': (boolean);
  'takesDestroyed': (boolean);
  'taskKinds': (string)[];
  'routesByAppId': (boolean);
  'checkProbes': (string)[];
  'takesMaintenance': (boolean);
  'takesCacheNumber': (boolean);
  'takesAttach': (boolean);
  'countsSwitches': (boolean);
  'takesCertificates': (boolean);
  'takesEdgeSettings': (boolean);
}
