// Original file: proto/slipway/v1/agent.proto

import type { Epoch as _slipway_v1_Epoch, Epoch__Output as _slipway_v1_Epoch__Output } from '../../slipway/v1/Epoch.ts';
import type { Reason as _slipway_v1_Reason, Reason__Output as _slipway_v1_Reason__Output } from '../../slipway/v1/Reason.ts';
import type { TaskProgress as _slipway_v1_TaskProgress, TaskProgress__Output as _slipway_v1_TaskProgress__Output } from '../../slipway/v1/TaskProgress.ts';

export interface Welcome {
  'heartbeatIntervalMs'?: (number);
  'epoch'?: (_slipway_v1_Epoch | null);
  'nodeName'?: (string);
  'versionMismatch'?: (_slipway_v1_Reason | null);
  'tasks'?: (_slipway_v1_TaskProgress)[];
}

export interface Welcome__Output {
  'heartbeatIntervalMs': (number);
  'epoch': (_slipway_v1_Epoch__Output | null);
  'nodeName': (string);
  'versionMismatch': (_slipway_v1_Reason__Output | null);
  'tasks': (_slipway_v1_TaskProgress__Output)[];
}
