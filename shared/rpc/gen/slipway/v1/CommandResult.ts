// Original file: proto/slipway/v1/agent.proto

import type { Exit as _slipway_v1_Exit, Exit__Output as _slipway_v1_Exit__Output } from '../../slipway/v1/Exit.ts';
import type { Long } from '@grpc/proto-loader';

export interface CommandResult {
  'exit'?: (_slipway_v1_Exit | null);
  'durationMs'?: (number | string | Long);
  'endedBy'?: (string);
}

export interface CommandResult__Output {
  'exit': (_slipway_v1_Exit__Output | null);
  'durationMs': (number);
  'endedBy': (string);
}
