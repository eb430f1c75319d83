// Original file: proto/slipway/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface SwitchFigures {
  'appId'?: (string);
  'release'?: (number);
  'read'?: (number | string | Long);
  'requests'?: (number | string | Long);
  'codes'?: ({[key: string]: number | string | Long});
  'openRequests'?: (number | string | Long);
  'longestDrainMs'?: (number | string);
  'lostLines'?: (number | string | Long);
  'gap'?: (string);
}

export interface SwitchFigures__Output {
  'appId': (string);
  'release': (number);
  'read': (number);
  'requests': (number);
  'codes': ({[key: string]: number});
  'openRequests': (number);
  'longestDrainMs': (number);
  'lostLines': (number);
  'gap': (string);
}
