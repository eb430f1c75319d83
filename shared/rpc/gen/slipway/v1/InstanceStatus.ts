// Original file: proto/slipway/v1/agent.proto

import type { Exit as _slipway_v1_Exit, Exit__Output as _slipway_v1_Exit__Output } from '../../slipway/v1/Exit.ts';
import type { Reason as _slipway_v1_Reason, Reason__Output as _slipway_v1_Reason__Output } from '../../slipway/v1/Reason.ts';
import type { Crashes as _slipway_v1_Crashes, Crashes__Output as _slipway_v1_Crashes__Output } from '../../slipway/v1/Crashes.ts';
import type { CheckResult as _slipway_v1_CheckResult, CheckResult__Output as _slipway_v1_CheckResult__Output } from '../../slipway/v1/CheckResult.ts';
import type { Long } from '@grpc/proto-loader';

export interface InstanceStatus {
  'instanceId'?: (string);
  'state'?: (string);
  'restarts'?: (number);
  'startedAtMs'?: (number | string | Long);
  'lastExit'?: (_slipway_v1_Exit | null);
  'nextStartAtMs'?: (number | string | Long);
  'reason'?: (_slipway_v1_Reason | null);
  'lastLines'?: (string)[];
  'timingsMs'?: ({[key: string]: number | string});
  'serving'?: (boolean);
  'crashes'?: (_slipway_v1_Crashes | null);
  'ready'?: (boolean);
  'checks'?: (_slipway_v1_CheckResult)[];
  'checksRun'?: (number | string | Long);
  '_startedAtMs'?: "startedAtMs";
  '_nextStartAtMs'?: "nextStartAtMs";
  '_serving'?: "serving";
  '_ready'?: "ready";
}

export interface InstanceStatus__Output {
  'instanceId': (string);
  'state': (string);
  'restarts': (number);
  'startedAtMs'?: (number);
  'lastExit': (_slipway_v1_Exit__Output | null);
  'nextStartAtMs'?: (number);
  'reason': (_slipway_v1_Reason__Output | null);
  'lastLines': (string)[];
  'timingsMs': ({[key: string]: number});
  'serving'?: (boolean);
  'crashes': (_slipway_v1_Crashes__Output | null);
  'ready'?: (boolean);
  'checks': (_slipway_v1_CheckResult__Output)[];
  'checksRun': (number);
  '_startedAtMs'?: "startedAtMs";
  '_nextStartAtMs'?: "nextStartAtMs";
  '_serving'?: "serving";
  '_ready'?: "ready";
}
