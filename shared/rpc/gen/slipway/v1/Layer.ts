// Original file: proto/slipway/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface Layer {
  'name'?: (string);
  'digest'?: (string);
  'sizeBytes'?: (number | string | Long);
  'shared'?: (boolean);
}

export interface Layer__Output {
  'name': (string);
  'digest': (string);
  'sizeBytes': (number);
  'shared': (boolean);
}
