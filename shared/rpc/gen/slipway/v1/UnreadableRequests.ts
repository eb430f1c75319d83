// Original file: proto/slipway/v1/agent.proto

import type { UnreadableRequest as _slipway_v1_UnreadableRequest, UnreadableRequest__Output as _slipway_v1_UnreadableRequest__Output } from '../../slipway/v1/UnreadableRequest.ts';
import type { Long } from '@grpc/proto-loader';

export interface UnreadableRequests {
  'count'?: (number | string | Long);
  'last'?: (_slipway_v1_UnreadableRequest | null);
}

export interface UnreadableRequests__Output {
  'count': (number);
  'last': (_slipway_v1_UnreadableRequest__Output | null);
}
