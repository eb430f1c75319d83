// Original file: proto/slipway/v1/agent.proto

import type { Layer as _slipway_v1_Layer, Layer__Output as _slipway_v1_Layer__Output } from '../../slipway/v1/Layer.ts';

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
}
