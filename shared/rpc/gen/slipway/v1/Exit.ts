// Original file: proto/slipway/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface Exit {
  'code'?: (number);
  'signal'?: (string);
  'oomKilled'?: (boolean);
  'atMs'?: (number | string | Long);
  '_code'?: "code";
  '_signal'?: "signal";
}

export interface Exit__Output {
  'code'?: (number);
  'signal'?: (string);
  'oomKilled': (boolean);
  'atMs': (number);
  '_code'?: "code";
  '_signal'?: "signal";
}
