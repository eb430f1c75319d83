// Original file: proto/slipway/v1/agent.proto

import type { AppEgress as _slipway_v1_AppEgress, AppEgress__Output as _slipway_v1_AppEgress__Output } from '../../slipway/v1/AppEgress.ts';

export interface EgressTable {
  'fleet'?: (string)[];
  'apps'?: (_slipway_v1_AppEgress)[];
}

export interface EgressTable__Output {
  'fleet': (string)[];
  'apps': (_slipway_v1_AppEgress__Output)[];
}
