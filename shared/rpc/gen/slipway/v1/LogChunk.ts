// Original file: proto/slipway/v1/agent.proto

import type { LogLine as _slipway_v1_LogLine, LogLine__Output as _slipway_v1_LogLine__Output } from '../../slipway/v1/LogLine.ts';
import type { Reason as _slipway_v1_Reason, Reason__Output as _slipway_v1_Reason__Output } from '../../slipway/v1/Reason.ts';

export interface LogChunk {
  'queryId'?: (string);
  'lines'?: (_slipway_v1_LogLine)[];
  'end'?: (boolean);
  'failure'?: (_slipway_v1_Reason | null);
}

export interface LogChunk__Output {
  'queryId': (string);
  'lines': (_slipway_v1_LogLine__Output)[];
  'end': (boolean);
  'failure': (_slipway_v1_Reason__Output | null);
}
