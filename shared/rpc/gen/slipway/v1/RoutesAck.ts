// Original file: proto/slipway/v1/agent.proto

import type { Reason as _slipway_v1_Reason, Reason__Output as _slipway_v1_Reason__Output } from '../../slipway/v1/Reason.ts';
import type { Long } from '@grpc/proto-loader';

export interface RoutesAck {
  'version'?: (number | string | Long);
  'accepted'?: (boolean);
  'reason'?: (_slipway_v1_Reason | null);
}

export interface RoutesAck__Output {
  'version': (number);
  'accepted': (boolean);
  'reason': (_slipway_v1_Reason__Output | null);
}
