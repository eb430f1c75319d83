// Original file: proto/slipway/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface CheckResult {
  'check'?: (string);
  'passed'?: (boolean);
  'answer'?: (string);
  'sinceMs'?: (number | string | Long);
  'lastPassed'?: (boolean);
}

export interface CheckResult__Output {
  'check': (string);
  'passed': (boolean);
  'answer': (string);
  'sinceMs': (number);
  'lastPassed': (boolean);
}
