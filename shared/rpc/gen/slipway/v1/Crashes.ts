// Original file: proto/slipway/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface Crashes {
  'count'?: (number);
  'sinceMs'?: (number | string | Long);
  '_sinceMs'?: "sinceMs";
}

export interface Crashes__Output {
  'count': (number);
  'sinceMs'?: (number);
  '_sinceMs'?: "sinceMs";
}
