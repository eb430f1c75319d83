// Original file: proto/slipway/v1/agent.proto

import type { Layer as _slipway_v1_Layer, Layer__Output as _slipway_v1_Layer__Output } from '../../slipway/v1/Layer.ts';

export interface Command {
  'release'?: (number);
  'process'?: (string);
  'command'?: (string);
  'layers'?: (_slipway_v1_Layer)[];
  'env'?: ({[key: string]: string});
  'graceMs'?: (number);
  'attached'?: (boolean);
}

export interface Command__Output {
  'release': (number);
  'process': (string);
  'command': (string);
  'layers': (_slipway_v1_Layer__Output)[];
  'env': ({[key: string]: string});
  'graceMs': (number);
  'attached': (boolean);
}
