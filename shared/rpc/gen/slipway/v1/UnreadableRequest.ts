// Original file: proto/slipway/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface UnreadableRequest {
  'atMs'?: (number | string | Long);
  'cause'?: (string);
}

export interface UnreadableRequest__Output {
  'atMs': (number);
  'cause': (string);
}
