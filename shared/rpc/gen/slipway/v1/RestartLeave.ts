// Original file: proto/slipway/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface RestartLeave {
  'instanceId'?: (string);
  'startedAtMs'?: (number | string | Long);
}

export interface RestartLeave__Output {
  'instanceId': (string);
  'startedAtMs': (number);
}
