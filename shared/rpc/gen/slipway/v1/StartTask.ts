// Original file: proto/slipway/v1/agent.proto

import type { Limits as _slipway_v1_Limits, Limits__Output as _slipway_v1_Limits__Output } from '../../slipway/v1/Limits.ts';
import type { Command as _slipway_v1_Command, Command__Output as _slipway_v1_Command__Output } from '../../slipway/v1/Command.ts';
import type { Long } from '@grpc/proto-loader';

export interface StartTask {
  'taskId'?: (string);
  'appId'?: (string);
  'app'?: (string);
  'uidBase'?: (number);
  'commit'?: (string);
  'commitTimeMs'?: (number | string | Long);
  'stack'?: (string);
  'config'?: ({[key: string]: string});
  'buildpacks'?: (string)[];
  'limits'?: (_slipway_v1_Limits | null);
  'timeoutMs'?: (number);
  'slugLimitBytes'?: (number | string | Long);
  'outputLimitBytes'?: (number | string | Long);
  'root'?: (string);
  'kind'?: (string);
  'command'?: (_slipway_v1_Command | null);
  'cacheNumber'?: (number);
}

export interface StartTask__Output {
  'taskId': (string);
  'appId': (string);
  'app': (string);
  'uidBase': (number);
  'commit': (string);
  'commitTimeMs': (number);
  'stack': (string);
  'config': ({[key: string]: string});
  'buildpacks': (string)[];
  'limits': (_slipway_v1_Limits__Output | null);
  'timeoutMs': (number);
  'slugLimitBytes': (number);
  'outputLimitBytes': (number);
  'root': (string);
  'kind': (string);
  'command': (_slipway_v1_Command__Output | null);
  'cacheNumber': (number);
}
