// Original file: proto/slipway/v1/agent.proto

import type { Maintenance as _slipway_v1_Maintenance, Maintenance__Output as _slipway_v1_Maintenance__Output } from '../../slipway/v1/Maintenance.ts';
import type { HttpsRules as _slipway_v1_HttpsRules, HttpsRules__Output as _slipway_v1_HttpsRules__Output } from '../../slipway/v1/HttpsRules.ts';

export interface FleetApp {
  'appId'?: (string);
  'app'?: (string);
  'hostnames'?: (string)[];
  'nodeIds'?: (string)[];
  'maintenance'?: (_slipway_v1_Maintenance | null);
  'https'?: (_slipway_v1_HttpsRules | null);
}

export interface FleetApp__Output {
  'appId': (string);
  'app': (string);
  'hostnames': (string)[];
  'nodeIds': (string)[];
  'maintenance': (_slipway_v1_Maintenance__Output | null);
  'https': (_slipway_v1_HttpsRules__Output | null);
}
