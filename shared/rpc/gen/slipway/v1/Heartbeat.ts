// Original file: proto/slipway/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface Heartbeat {
  'diskFreeBytes'?: (number | string | Long);
  'load1'?: (number | string);
  'memoryFreeBytes'?: (number | string | Long);
  'unreachablePeerIds'?: (string)[];
}

export interface Heartbeat__Output {
  'diskFreeBytes': (number);
  'load1': (number);
  'memoryFreeBytes': (number);
  'unreachablePeerIds': (string)[];
}
