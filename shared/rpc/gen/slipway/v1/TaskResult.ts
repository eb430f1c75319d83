// Original file: proto/slipway/v1/agent.proto

import type { BuildResult as _slipway_v1_BuildResult, BuildResult__Output as _slipway_v1_BuildResult__Output } from '../../slipway/v1/BuildResult.ts';
import type { Reason as _slipway_v1_Reason, Reason__Output as _slipway_v1_Reason__Output } from '../../slipway/v1/Reason.ts';
import type { CommandResult as _slipway_v1_CommandResult, CommandResult__Output as _slipway_v1_CommandResult__Output } from '../../slipway/v1/CommandResult.ts';

export interface TaskResult {
  'taskId'?: (string);
  'build'?: (_slipway_v1_BuildResult | null);
  'failure'?: (_slipway_v1_Reason | null);
  'command'?: (_slipway_v1_CommandResult | null);
  'outcome'?: "build"|"failure"|"command";
}

export interface TaskResult__Output {
  'taskId': (string);
  'build'?: (_slipway_v1_BuildResult__Output | null);
  'failure'?: (_slipway_v1_Reason__Output | null);
  'command'?: (_slipway_v1_CommandResult__Output | null);
  'outcome'?: "build"|"failure"|"command";
}
