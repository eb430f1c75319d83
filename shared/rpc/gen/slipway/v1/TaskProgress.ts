// Original file: proto/slipway/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface TaskProgress {
  'taskId'?: (string);
  'outputBytes'?: (number | string | Long);
  'outputLines'?: (number | string | Long);
}

export interface TaskProgress__Output {
  'taskId': (string);
  'outputBytes': (number);
  'outputLines': (number);
}
