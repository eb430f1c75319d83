// Original file: proto/slipway/v1/agent.proto

import type { BuildResult as _slipway_v1_BuildResult, BuildResult__Output as _slipway_v1_BuildResult__Output } from '../../slipway/v1/BuildResult.ts';
import type { Reason as _slipway_v1_Reason, Reason__Output as _slipway_v1_Reason__Output } from '../../slipway/v1/Reason.ts';

export interface TaskResult {
  'taskId'?: (string);
  'build'?: (_slipway_v1_BuildResult | null);
  'failure'?: (_slipway_v1_Reason | null);
  'outcome'?: "build"|"failure";
}

export interface TaskResult__Output {
  'taskId': (string);
  'build'?: (_slipway_v1_BuildResult__Output | null);
  'failure'?: (_slipway_v1_Reason__Output | null);
  'outcome'?: "build"|"failure";
}
