// Original file: proto/slipway/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface CronEntry {
  'name'?: (string);
  'command'?: (string);
  'processType'?: (string);
  'schedule'?: (string);
  'timeZone'?: (string);
  'concurrency'?: (string);
  'missed'?: (string);
  'timeoutMs'?: (number | string | Long);
  'suspended'?: (boolean);
}

export interface CronEntry__Output {
  'name': (string);
  'command': (string);
  'processType': (string);
  'schedule': (string);
  'timeZone': (string);
  'concurrency': (string);
  'missed': (string);
  'timeoutMs': (number);
  'suspended': (boolean);
}
