// Original file: proto/slipway/v1/agent.proto

import type { Layer as _slipway_v1_Layer, Layer__Output as _slipway_v1_Layer__Output } from '../../slipway/v1/Layer.ts';
import type { HealthChecks as _slipway_v1_HealthChecks, HealthChecks__Output as _slipway_v1_HealthChecks__Output } from '../../slipway/v1/HealthChecks.ts';

export interface ReleaseContent {
  'appId'?: (string);
  'release'?: (number);
  'app'?: (string);
  'uidBase'?: (number);
  'commit'?: (string);
  'stack'?: (string);
  'layers'?: (_slipway_v1_Layer)[];
  'config'?: ({[key: string]: string});
  'commands'?: ({[key: string]: string});
  'checks'?: ({[key: string]: _slipway_v1_HealthChecks});
}

export interface ReleaseContent__Output {
  'appId': (string);
  'release': (number);
  'app': (string);
  'uidBase': (number);
  'commit': (string);
  'stack': (string);
  'layers': (_slipway_v1_Layer__Output)[];
  'config': ({[key: string]: string});
  'commands': ({[key: string]: string});
  'checks': ({[key: string]: _slipway_v1_HealthChecks__Output});
}
