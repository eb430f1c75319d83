// Original file: proto/slipway/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface Limits {
  'memoryBytes'?: (number | string | Long);
  'pidsMax'?: (number);
  'diskBytes'?: (number | string | Long);
  'diskInodes'?: (number);
  'cpuMillis'?: (number);
}

export interface Limits__Output {
  'memoryBytes': (number);
  'pidsMax': (number);
  'diskBytes': (number);
  'diskInodes': (number);
  'cpuMillis': (number);
}
