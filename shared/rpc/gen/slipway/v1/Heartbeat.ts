// Original file: proto/slipway/v1/agent.proto

import type { HostCheck as _slipway_v1_HostCheck, HostCheck__Output as _slipway_v1_HostCheck__Output } from '../../slipway/v1/HostCheck.ts';
import type { UnreadableRequests as _slipway_v1_UnreadableRequests, UnreadableRequests__Output as _slipway_v1_UnreadableRequests__Output } from '../../slipway/v1/UnreadableRequests.ts';
import type { Long } from '@grpc/proto-loader';

export interface Heartbeat {
  'diskFreeBytes'?: (number | string | Long);
  'load1'?: (number | string);
  'memoryFreeBytes'?: (number | string | Long);
  'unreachablePeerIds'?: (string)[];
  'host'?: (_slipway_v1_HostCheck | null);
  'unreadableRequests'?: (_slipway_v1_UnreadableRequests | null);
  'factsJson'?: (string);
}

export interface Heartbeat__Output {
  'diskFreeBytes': (number);
  'load1': (number);
  'memoryFreeBytes': (number);
  'unreachablePeerIds': (string)[];
  'host': (_slipway_v1_HostCheck__Output | null);
  'unreadableRequests': (_slipway_v1_UnreadableRequests__Output | null);
  'factsJson': (string);
}
