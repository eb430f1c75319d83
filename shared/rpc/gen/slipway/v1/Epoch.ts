// Original file: proto/slipway/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface Epoch {
  'counter'?: (number | string | Long);
  'id'?: (string);
}

export interface Epoch__Output {
  'counter': (number);
  'id': (string);
}
