// Original file: proto/slipway/v1/agent.proto

import type { InstanceStatus as _slipway_v1_InstanceStatus, InstanceStatus__Output as _slipway_v1_InstanceStatus__Output } from '../../slipway/v1/InstanceStatus.ts';

export interface InstanceReport {
  'statuses'?: (_slipway_v1_InstanceStatus)[];
  'complete'?: (boolean);
}

export interface InstanceReport__Output {
  'statuses': (_slipway_v1_InstanceStatus__Output)[];
  'complete': (boolean);
}
