// Original file: proto/slipway/v1/agent.proto

import type { SwitchQuery as _slipway_v1_SwitchQuery, SwitchQuery__Output as _slipway_v1_SwitchQuery__Output } from '../../slipway/v1/SwitchQuery.ts';

export interface CountSwitches {
  'switches'?: (_slipway_v1_SwitchQuery)[];
}

export interface CountSwitches__Output {
  'switches': (_slipway_v1_SwitchQuery__Output)[];
}
