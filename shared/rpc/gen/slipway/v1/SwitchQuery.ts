// Original file: proto/slipway/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface SwitchQuery {
  'appId'?: (string);
  'release'?: (number);
  'opening'?: (boolean);
  'read'?: (number | string | Long);
}

export interface SwitchQuery__Output {
  'appId': (string);
  'release': (number);
  'opening': (boolean);
  'read': (number);
}
