// Original file: proto/slipway/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface Exit {
  'code'?: (number);
  'signal'?: (string);
  'oomKilled'?: (boolean);
  'atMs'?: (number | string | Long);
  'oomOfNode'?: (boolean);
  '_code'?: "code";
  '_signal'?: "signal";
  '_oomOfNode'?: "oomOfNode";
}

export interface Exit__Output {
  'code'?: (number);
  'signal'?: (string);
  'oomKilled': (boolean);
  'atMs': (number);
  'oomOfNode'?: (boolean);
  '_code'?: "code";
  '_signal'?: "signal";
  '_oomOfNode'?: "oomOfNode";
}
