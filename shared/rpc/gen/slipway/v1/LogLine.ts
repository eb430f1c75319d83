// Original file: proto/slipway/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface LogLine {
  'atMs'?: (number | string | Long);
  'source'?: (string);
  'process'?: (string);
  'message'?: (string);
}

export interface LogLine__Output {
  'atMs': (number);
  'source': (string);
  'process': (string);
  'message': (string);
}
