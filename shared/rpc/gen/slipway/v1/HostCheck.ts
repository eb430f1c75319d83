// Original file: proto/slipway/v1/agent.proto

import type { Reason as _slipway_v1_Reason, Reason__Output as _slipway_v1_Reason__Output } from '../../slipway/v1/Reason.ts';

export interface HostCheck {
  'missing'?: (string)[];
  'failure'?: (_slipway_v1_Reason | null);
}

export interface HostCheck__Output {
  'missing': (string)[];
  'failure': (_slipway_v1_Reason__Output | null);
}
