// Original file: proto/slipway/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface RunChecks {
  'run'?: (number | string | Long);
  'instanceIds'?: (string)[];
}

export interface RunChecks__Output {
  'run': (number);
  'instanceIds': (string)[];
}
