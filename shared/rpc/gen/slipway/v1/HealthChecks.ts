// Original file: proto/slipway/v1/agent.proto

import type { HealthCheck as _slipway_v1_HealthCheck, HealthCheck__Output as _slipway_v1_HealthCheck__Output } from '../../slipway/v1/HealthCheck.ts';

export interface HealthChecks {
  'checks'?: (_slipway_v1_HealthCheck)[];
}

export interface HealthChecks__Output {
  'checks': (_slipway_v1_HealthCheck__Output)[];
}
