// Original file: proto/slipway/v1/agent.proto

import type { Reason as _slipway_v1_Reason, Reason__Output as _slipway_v1_Reason__Output } from '../../slipway/v1/Reason.ts';
import type { Long } from '@grpc/proto-loader';

export interface NodeEvent {
  'atMs'?: (number | string | Long);
  'reason'?: (_slipway_v1_Reason | null);
  'app'?: (string);
  'process'?: (string);
}

export interface NodeEvent__Output {
  'atMs': (number);
  'reason': (_slipway_v1_Reason__Output | null);
  'app': (string);
  'process': (string);
}
