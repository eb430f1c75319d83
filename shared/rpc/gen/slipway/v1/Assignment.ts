// Original file: proto/slipway/v1/agent.proto

import type { Layer as _slipway_v1_Layer, Layer__Output as _slipway_v1_Layer__Output } from '../../slipway/v1/Layer.ts';
import type { Limits as _slipway_v1_Limits, Limits__Output as _slipway_v1_Limits__Output } from '../../slipway/v1/Limits.ts';

export interface Assignment {
  'instanceId'?: (string);
  'appId'?: (string);
  'app'?: (string);
  'uidBase'?: (number);
  'release'?: (number);
  'processType'?: (string);
  'ordinal'?: (number);
  'command'?: (string);
  'layers'?: (_slipway_v1_Layer)[];
  'stack'?: (string);
  'config'?: ({[key: string]: string});
  'limits'?: (_slipway_v1_Limits | null);
  'desired'?: (string);
  'commit'?: (string);
}

export interface Assignment__Output {
  'instanceId': (string);
  'appId': (string);
  'app': (string);
  'uidBase': (number);
  'release': (number);
  'processType': (string);
  'ordinal': (number);
  'command': (string);
  'layers': (_slipway_v1_Layer__Output)[];
  'stack': (string);
  'config': ({[key: string]: string});
  'limits': (_slipway_v1_Limits__Output | null);
  'desired': (string);
  'commit': (string);
}
